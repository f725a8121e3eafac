// SPDX-License-Identifier: Apache-2.0
#include "kernels/adamw_8bit/adamw_8bit.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/nf4/nf4.hpp"
#include "support/values.hpp"

namespace pst::kernels {
namespace {

struct Moment {
  explicit Moment(std::int64_t values)
      : codes(static_cast<std::size_t>(values)), absmax(static_cast<std::size_t>(adamw_8bit_blocks(values))) {}
  CodedMoment view() { return {view_of(std::span(codes)), view_of(std::span(absmax))}; }
  std::vector<std::uint8_t> codes;
  std::vector<float> absmax;
};

DynamicCode code_of(Signs signs) {
  return {const_view_of(std::span<const float>(dynamic_map(signs))),
          const_view_of(std::span<const std::uint8_t>(nearest_entries(signs)))};
}

// One block beside a part of one.
constexpr std::size_t kCount = 300;

TEST(AdamW8Bit, DecodesUpdatesAndEncodesBlocks) {
  auto value = fixture::random_values(kCount, 1);
  Moment moment1(kCount), moment2(kCount);
  const AdamW settings{.lr = 1e-2, .beta2 = 0.95, .weight_decay = 0.1, .gradient_factor = 0.5};
  std::vector<double> p(value.begin(), value.end());

  for (std::int64_t step = 1; step <= 5; ++step) {
    auto gradient = fixture::random_values(kCount, static_cast<std::uint64_t>(10 + step));
    std::vector<double> m(kCount), v(kCount);
    for (std::size_t i = 0; i < kCount; ++i) {
      const double g = static_cast<double>(gradient[i]) * 0.5;
      m[i] = 0.9 * static_cast<double>(dynamic_map()[moment1.codes[i]] * moment1.absmax[i / 256]) + 0.1 * g;
      v[i] = 0.95 * static_cast<double>(dynamic_map(Signs::positive)[moment2.codes[i]] * moment2.absmax[i / 256]) +
             0.05 * g * g;
      p[i] = p[i] * (1 - 1e-3) -
             1e-2 * (m[i] / (1 - std::pow(0.9, step))) / (std::sqrt(v[i] / (1 - std::pow(0.95, step))) + 1e-8);
    }
    AdamW now = settings;
    now.step = step;
    adamw_8bit(serial_cpu(), now, code_of(Signs::both), code_of(Signs::positive), view_of(std::span(value)),
               view_of(std::span(gradient)), moment1.view(), moment2.view());

    fixture::expect_close(value, p, 2e-6);
    for (std::size_t i = 0; i < kCount; ++i) {  // at 1 an entry is 0.0070 from the next, with a sign 0.0141
      const double largest1 = static_cast<double>(moment1.absmax[i / 256]),
                   largest2 = static_cast<double>(moment2.absmax[i / 256]);
      EXPECT_NEAR(static_cast<double>(dynamic_map()[moment1.codes[i]]), m[i] / largest1, 0.0072) << i;
      EXPECT_NEAR(static_cast<double>(dynamic_map(Signs::positive)[moment2.codes[i]]), v[i] / largest2, 0.0036) << i;
    }
  }
}

TEST(AdamW8Bit, MapsAscendFromTheirLeastToOne) {
  for (const Signs signs : {Signs::both, Signs::positive}) {
    const auto& map = dynamic_map(signs);
    EXPECT_TRUE(std::is_sorted(map.begin(), map.end()));
    EXPECT_EQ(map.back(), 1.0f);
    EXPECT_EQ(std::count(map.begin(), map.end(), 0.0f), 1);
  }
  EXPECT_EQ(dynamic_map(Signs::positive).front(), 0.0f);
  EXPECT_NEAR(dynamic_map(Signs::both).front(), -0.9929687f, 1e-6);
}

}  // namespace
}  // namespace pst::kernels
