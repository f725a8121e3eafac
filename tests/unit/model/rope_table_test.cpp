// SPDX-License-Identifier: Apache-2.0
#include "model/rope_table.hpp"

#include <gmock/gmock.h>

#include <cmath>

namespace pst::model {
namespace {

const families::RopeSpec kSpec{.theta = 10000, .dim = 8};

double frequency(const ops::RopeTable& table, std::int64_t i) {  // from the angle at position 1
  return std::atan2(table.sines[1][i].item().toDouble(), table.cosines[1][i].item().toDouble());
}

TEST(RopeTable, FrequenciesFallGeometrically) {
  const auto table = make_rope_table(kSpec, 4);
  for (std::int64_t i = 0; i < 4; ++i)
    EXPECT_NEAR(frequency(table, i), std::pow(10000.0, -static_cast<double>(i) / 4), 1e-6);
}

TEST(RopeTable, Llama3KeepsHighStretchesLowBlendsBetween) {
  families::RopeSpec c = kSpec;
  c.scaling = families::LowFrequencyScaling{
      .factor = 8, .low_freq_factor = 1, .high_freq_factor = 4, .original_positions = 200};
  const auto table = make_rope_table(c, 4);
  // Wavelengths 6.3, 62.8, 628, 6283 against the borders 200/4 = 50 and 200/1 = 200.
  EXPECT_NEAR(frequency(table, 0), 1, 1e-6);
  const double smooth = (200 / (20 * M_PI) - 1) / 3;
  EXPECT_NEAR(frequency(table, 1), (1 - smooth) * 0.1 / 8 + smooth * 0.1, 1e-6);
  EXPECT_NEAR(frequency(table, 2), 0.01 / 8, 1e-7);
}

}  // namespace
}  // namespace pst::model
