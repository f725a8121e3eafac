// SPDX-License-Identifier: Apache-2.0
#include "model/rope_table.hpp"

#include <ATen/ops/empty.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace pst::model {
namespace {

double stretched(double frequency, const families::LowFrequencyScaling& scaling) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  const auto original = static_cast<double>(scaling.original_positions);
  if (wavelength > original / scaling.low_freq_factor) return frequency / scaling.factor;
  if (wavelength < original / scaling.high_freq_factor) return frequency;
  const double smooth =
      (original / wavelength - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor);
  return (1 - smooth) * frequency / scaling.factor + smooth * frequency;
}

}  // namespace

ops::RopeTable make_rope_table(const families::RopeSpec& spec, std::int64_t positions) {
  const std::int64_t half = spec.dim / 2;
  std::vector<float> frequencies(static_cast<std::size_t>(half));
  for (std::int64_t i = 0; i < half; ++i) {
    double frequency = 1 / std::pow(spec.theta, static_cast<double>(2 * i) / static_cast<double>(spec.dim));
    if (spec.scaling) frequency = stretched(frequency, *spec.scaling);
    frequencies[static_cast<std::size_t>(i)] = static_cast<float>(frequency);
  }

  ops::RopeTable table{at::empty({positions, half}, at::kFloat), at::empty({positions, half}, at::kFloat)};
  auto* cosines = table.cosines.mutable_data_ptr<float>();
  auto* sines = table.sines.mutable_data_ptr<float>();
  for (std::int64_t position = 0; position < positions; ++position)
    for (const float frequency : frequencies) {
      const float angle = static_cast<float>(position) * frequency;
      *cosines++ = static_cast<float>(std::cos(static_cast<double>(angle)));
      *sines++ = static_cast<float>(std::sin(static_cast<double>(angle)));
    }
  return table;
}

}  // namespace pst::model
