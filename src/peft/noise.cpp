// SPDX-License-Identifier: Apache-2.0
#include "peft/noise.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include "ops/torch_exec.hpp"

namespace pst::peft {

/// Box-Muller: two words of the stream make two values, wherever they lie.
at::Tensor normal_like(const at::Tensor& like, const Rng& rng) {
  constexpr std::int64_t kPairsOfAThread = 2048;
  const at::Tensor values = at::empty(like.sizes(), at::kFloat);
  const std::span<float> out = ops::view_of(values).as<float>();
  const auto count = static_cast<std::int64_t>(out.size());
  at::parallel_for(0, (count + 1) / 2, kPairsOfAThread, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(2 * begin); i < static_cast<std::size_t>(std::min(2 * end, count)); i += 2) {
      const float size = std::sqrt(-2 * std::log(1 - rng.uniform(i)));
      const float angle = 2 * std::numbers::pi_v<float> * rng.uniform(i + 1);
      out[i] = size * std::cos(angle);
      if (i + 1 < out.size()) out[i + 1] = size * std::sin(angle);
    }
  });
  return values.to(like.device(), like.scalar_type());
}

}  // namespace pst::peft
