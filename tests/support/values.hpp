// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <span>
#include <thread>
#include <vector>

#include "core/exec.hpp"
#include "core/rng.hpp"

namespace pst::fixture {

/// Uniform in [-1, 1).
inline std::vector<float> random_values(std::size_t count, std::uint64_t seed) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = 2 * Rng(seed).uniform(i) - 1;
  return values;
}

inline std::vector<bf16> rounded(const std::vector<float>& values) {
  std::vector<bf16> out;
  for (const float value : values) out.push_back(to_bf16(value));
  return out;
}

inline std::vector<float> widened(const std::vector<bf16>& values) {
  std::vector<float> out;
  for (const bf16 value : values) out.push_back(to_float(value));
  return out;
}

/// An Exec that cuts every range into pieces of `piece`, which three threads take in turn, all at once.
inline Exec in_pieces(std::int64_t piece) {
  Exec on;
  on.parallel_for = [piece](std::int64_t count, std::int64_t,
                            const std::function<void(std::int64_t, std::int64_t)>& body) {
    std::atomic<std::int64_t> next{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i)
      threads.emplace_back([&] {
        for (std::int64_t begin; (begin = next.fetch_add(piece)) < count;) body(begin, std::min(count, begin + piece));
      });
  };
  return on;
}

inline void expect_close(const std::vector<float>& actual, const std::vector<double>& expected, double absolute,
                         double relative = 0) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(static_cast<double>(actual[i]), expected[i], absolute + relative * std::abs(expected[i])) << "at " << i;
}

}  // namespace pst::fixture
