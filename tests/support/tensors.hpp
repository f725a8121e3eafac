// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>

#include "core/rng.hpp"
#include "nn/batch.hpp"

namespace pst::fixture {

/// Uniform in [-1, 1).
inline at::Tensor random(std::vector<std::int64_t> shape, std::uint64_t seed, at::ScalarType dtype = at::kFloat) {
  at::Tensor values = at::empty(shape, at::kFloat);
  auto* const out = values.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) out[i] = 2 * Rng(seed).uniform(static_cast<std::uint64_t>(i)) - 1;
  return values.to(dtype);
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return a.to(at::kDouble).sub(b.to(at::kDouble)).abs().max().item().toDouble();
}

MATCHER_P2(close_to, expected, tolerance, "") {
  if (arg.sizes() != expected.sizes()) {
    *result_listener << "another shape";
    return false;
  }
  const double difference = largest_difference(arg, expected);
  *result_listener << "differs by up to " << difference;
  return difference <= tolerance;
}
MATCHER_P(bitwise_equal, expected, "") {
  return arg.scalar_type() == expected.scalar_type() && at::equal(arg, expected);
}

/// Documents of the given lengths with random ids below `vocabulary`; every third token and the last are targets.
struct Tokens {
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<std::vector<std::uint8_t>> labelled;
  Tokens(std::vector<int> lengths, std::int32_t vocabulary, std::uint64_t seed) {
    std::uint64_t at = 0;
    for (const int length : lengths) {
      ids.emplace_back();
      labelled.emplace_back();
      for (int i = 0; i < length; ++i) {
        ids.back().push_back(static_cast<std::int32_t>(Rng(seed).below(static_cast<std::uint64_t>(vocabulary), at++)));
        labelled.back().push_back(i > 0 && (i % 3 == 1 || i + 1 == length));
      }
    }
  }
  std::vector<nn::TokenSpan> spans() const {
    std::vector<nn::TokenSpan> spans;
    for (std::size_t i = 0; i < ids.size(); ++i) spans.push_back({ids[i], labelled[i]});
    return spans;
  }
};

}  // namespace pst::fixture
