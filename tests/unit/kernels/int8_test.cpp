// SPDX-License-Identifier: Apache-2.0
#include "kernels/int8/int8.hpp"

#include <limits>

#include "support/recorded.hpp"
#include "support/values.hpp"

namespace pst::kernels {
namespace {

using fixture::bits_of;
using testing::Eq;

struct Rows {
  std::vector<std::int8_t> codes;
  std::vector<float> absmax;
};

View view_of(std::vector<std::int8_t>& codes) {
  return {codes.data(), static_cast<std::int64_t>(codes.size()), Dtype::i8, {}};
}

template <class T>
Rows quantised(std::vector<T> values, std::int64_t width, const Exec& on = serial_cpu()) {
  Rows made{std::vector<std::int8_t>(values.size()),
            std::vector<float>(values.size() / static_cast<std::size_t>(width))};
  int8_absmax(on, pst::view_of(std::span(values)), width, pst::view_of(std::span(made.absmax)));
  int8_encode(on, pst::view_of(std::span(values)), 0, width, pst::view_of(std::span(made.absmax)), view_of(made.codes));
  return made;
}

TEST(Int8, EqualsBitsandbytesOnRecordedMatrices) {
  const auto recorded = fixture::recorded_quantised("int8");
  const auto cases = fixture::cases_of(recorded, "values");
  ASSERT_GE(cases.size(), 10u);
  for (const auto& name : cases) {
    SCOPED_TRACE(name);
    const auto& values = recorded.get(name + ".values");

    const Rows made = values.dtype == "BF16" ? quantised(fixture::values_of<bf16>(values), values.shape[1])
                                             : quantised(fixture::floats_of(values), values.shape[1]);

    EXPECT_THAT(made.codes, Eq(fixture::values_of<std::int8_t>(recorded.get(name + ".weight"))));
    EXPECT_THAT(bits_of(made.absmax), Eq(bits_of(fixture::floats_of(recorded.get(name + ".SCB")))));
  }
}

TEST(Int8, DequantisesToBitsandbytesValues) {
  const auto recorded = fixture::recorded_quantised("int8");
  for (const auto& name : fixture::cases_of(recorded, "dequantised")) {
    SCOPED_TRACE(name);
    const auto codes = fixture::values_of<std::int8_t>(recorded.get(name + ".weight"));
    const auto absmax = fixture::floats_of(recorded.get(name + ".SCB"));
    const auto& expected = recorded.get(name + ".dequantised");
    const std::int64_t width = expected.shape[1], first = 5, count = expected.count() - first;
    const auto all = fixture::floats_of(expected);
    const std::vector<float> wanted(all.begin() + first, all.end());
    std::vector<float> got(static_cast<std::size_t>(count));
    std::vector<bf16> got_bf16(got.size());
    const auto fill = [&](View out) {
      int8_dequantise(fixture::in_pieces(41),
                      ConstView(codes.data(), static_cast<std::int64_t>(codes.size()), Dtype::i8),
                      const_view_of(std::span(absmax)), width, first, out);
    };

    fill(pst::view_of(std::span(got)));
    fill(pst::view_of(std::span(got_bf16)));

    EXPECT_THAT(expected.dtype == "F32" ? got : fixture::widened(got_bf16), Eq(wanted));
  }
}

TEST(Int8, CodesAreTheSameWhateverThePieces) {
  const auto values = fixture::random_values(37 * 29, 6);
  const Rows whole = quantised(values, 37);

  EXPECT_THAT(quantised(values, 37, fixture::in_pieces(5)).codes, Eq(whole.codes));

  std::vector<std::int8_t> piece(90);
  int8_encode(serial_cpu(), const_view_of(std::span(values).subspan(31, 90)), 31, 37,
              const_view_of(std::span(std::as_const(whole.absmax))), view_of(piece));
  EXPECT_THAT(piece, testing::ElementsAreArray(whole.codes.begin() + 31, whole.codes.begin() + 121));
}

TEST(Int8, AbsmaxTellsOfWhatF16CannotHold) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -70000.0f}) {
    auto values = fixture::random_values(64, 7);
    values[40] = bad;

    const Rows made = quantised(values, 32);

    EXPECT_TRUE(std::isfinite(made.absmax[0]));
    EXPECT_FALSE(std::isfinite(made.absmax[1]));
  }
  EXPECT_EQ(quantised(std::vector<float>{65519.0f, 1.0f}, 2).absmax[0], 65504.0f);
}

}  // namespace
}  // namespace pst::kernels
