// SPDX-License-Identifier: Apache-2.0
#include "peft/fill.hpp"

#include <ATen/ops/empty.h>

#include <cmath>
#include <numbers>
#include <span>

#include "ops/torch_exec.hpp"

namespace pst::peft {
namespace {

template <class Fill>
void filled(const at::Tensor& values, const Fill& fill) {
  const at::Tensor here = at::empty(values.sizes(), at::kFloat);
  fill(ops::view_of(here).as<float>());
  values.copy_(here);
}

}  // namespace

void fill_uniform(const at::Tensor& values, double bound, const Rng& rng) {
  filled(values, [&](std::span<float> out) {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<float>((2.0 * static_cast<double>(rng.uniform(i)) - 1) * bound);
  });
}

/// Box-Muller over the words of the stream.
void fill_normal(const at::Tensor& values, double deviation, const Rng& rng) {
  filled(values, [&](std::span<float> out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double u = 1 - static_cast<double>(rng.uniform(2 * i)), v = static_cast<double>(rng.uniform(2 * i + 1));
      out[i] = static_cast<float>(deviation * std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v));
    }
  });
}

void fill_kaiming(const at::Tensor& matrix, const Rng& rng) {
  fill_uniform(matrix, 1 / std::sqrt(static_cast<double>(matrix.size(1))), rng);
}

}  // namespace pst::peft
