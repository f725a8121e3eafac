// SPDX-License-Identifier: Apache-2.0
#include "kernels/nf4/nf4.hpp"

#include <limits>

#include "core/strings.hpp"
#include "support/recorded.hpp"
#include "support/values.hpp"

namespace pst::kernels {
namespace {

using fixture::bits_of;
using testing::Eq;

struct Quantised {
  std::vector<std::uint8_t> packed;
  std::vector<float> absmax;
};

template <class T>
Quantised quantised(const Exec& on, std::vector<T> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  Quantised made{std::vector<std::uint8_t>(static_cast<std::size_t>((n + 1) / 2)),
                 std::vector<float>(static_cast<std::size_t>(blocks_of(n, kNf4Block)))};
  nf4_quantise(on, view_of(std::span(values)), kNf4Block, view_of(std::span(made.packed)),
               view_of(std::span(made.absmax)));
  return made;
}

template <class T>
std::vector<T> dequantised(const Quantised& made, std::int64_t first, std::int64_t count,
                           const Exec& on = serial_cpu()) {
  std::vector<T> out(static_cast<std::size_t>(count));
  nf4_dequantise(on, const_view_of(std::span(made.packed)), const_view_of(std::span(made.absmax)), kNf4Block, first,
                 view_of(std::span(out)));
  return out;
}

TEST(Nf4, EqualsBitsandbytesOnRecordedMatrices) {
  const auto recorded = fixture::recorded_quantised("nf4");
  const auto cases = fixture::cases_of(recorded, "values");
  ASSERT_GE(cases.size(), 10u);
  for (const auto& name : cases) {
    SCOPED_TRACE(name);
    const auto& values = recorded.get(name + ".values");

    const Quantised made = values.dtype == "BF16" ? quantised(serial_cpu(), fixture::values_of<bf16>(values))
                                                  : quantised(serial_cpu(), fixture::floats_of(values));

    EXPECT_THAT(made.packed, Eq(fixture::values_of<std::uint8_t>(recorded.get(name + ".weight"))));
    EXPECT_THAT(bits_of(made.absmax), Eq(bits_of(fixture::floats_of(recorded.get(name + ".absmax")))));
  }
}

TEST(Nf4, DoubleQuantisationEqualsBitsandbytes) {
  const auto recorded = fixture::recorded_quantised("nf4");
  for (const auto& name : fixture::cases_of(recorded, "values")) {
    SCOPED_TRACE(name);
    std::vector<float> absmax = fixture::floats_of(recorded.get(name + ".absmax"));
    std::vector<std::uint8_t> codes(absmax.size());
    std::vector<float> scale((absmax.size() + 255) / 256), offset = {absmax_mean(view_of(std::span(absmax)))};

    double_quantise(serial_cpu(), view_of(std::span(absmax)), view_of(std::span(offset)), view_of(std::span(codes)),
                    view_of(std::span(scale)));

    EXPECT_THAT(codes, Eq(fixture::values_of<std::uint8_t>(recorded.get(name + ".weight.absmax"))));
    EXPECT_THAT(bits_of(scale), Eq(bits_of(fixture::floats_of(recorded.get(name + ".weight.nested_absmax")))));
  }
}

TEST(Nf4, MapIsBitsandbytes) {
  const auto recorded = fixture::recorded_quantised("nf4");

  const std::vector<float> map(dynamic_map().begin(), dynamic_map().end());

  EXPECT_THAT(bits_of(map), Eq(bits_of(fixture::floats_of(recorded.get("plain.weight.nested_quant_map")))));
}

TEST(Nf4, MeanAddsInTorchsOrder) {
  const auto recorded = fixture::recorded_quantised("nf4");
  const auto counts = fixture::values_of<std::int64_t>(recorded.get("mean.count"));
  const auto means = fixture::floats_of(recorded.get("mean.value"));
  std::vector<float> values(static_cast<std::size_t>(counts.back()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i * 2654435761u % (1u << 24)) / static_cast<float>(1 << 24);
  for (std::size_t i = 0; i < counts.size(); ++i)
    EXPECT_EQ(absmax_mean(ConstView(view_of(std::span(values).first(static_cast<std::size_t>(counts[i]))))), means[i])
        << "of " << counts[i];
}

TEST(Nf4, DequantisesToBitsandbytesValues) {
  const auto recorded = fixture::recorded_quantised("nf4");
  const auto cases = fixture::cases_of(recorded, "dequantised");
  ASSERT_FALSE(cases.empty());
  for (const auto& name : cases) {
    SCOPED_TRACE(name);
    Quantised made;
    made.packed = fixture::values_of<std::uint8_t>(recorded.get(name + ".weight"));
    const auto codes = fixture::values_of<std::uint8_t>(recorded.get(name + ".weight.absmax"));
    const auto scale = fixture::floats_of(recorded.get(name + ".weight.nested_absmax"));
    const auto plain = fixture::floats_of(recorded.get(name + ".absmax"));
    const std::vector<float> offset = {absmax_mean(const_view_of(std::span(plain)))};
    made.absmax.resize(codes.size());
    double_dequantise(serial_cpu(), const_view_of(std::span(codes)), const_view_of(std::span(scale)),
                      const_view_of(std::span<const float>(dynamic_map())), const_view_of(std::span(offset)), 0,
                      view_of(std::span(made.absmax)));
    const auto& expected = recorded.get(name + ".dequantised");

    if (expected.dtype == "F32")
      EXPECT_THAT(bits_of(dequantised<float>(made, 0, expected.count())), Eq(bits_of(fixture::floats_of(expected))));
    else
      EXPECT_THAT(fixture::widened(dequantised<bf16>(made, 0, expected.count())), Eq(fixture::floats_of(expected)));
  }
}

TEST(Nf4, AnyPieceEqualsThePlainLoop) {
  const Quantised made = quantised(serial_cpu(), fixture::random_values(64 * 9 + 17, 3));
  for (const std::int64_t first : {0, 1, 7, 63, 64, 65, 200})
    for (const std::int64_t count : {0, 1, 2, 8, 63, 130, 377}) {
      SCOPED_TRACE(cat(first, " + ", count));
      std::vector<float> plain(static_cast<std::size_t>(count));
      std::vector<bf16> plain_bf16(plain.size());
      const auto packed = const_view_of(std::span(std::as_const(made.packed)));
      const auto absmax = const_view_of(std::span(std::as_const(made.absmax)));
      nf4_dequantise_reference(packed, absmax, kNf4Block, first, view_of(std::span(plain)));
      nf4_dequantise_reference(packed, absmax, kNf4Block, first, view_of(std::span(plain_bf16)));

      EXPECT_THAT(bits_of(dequantised<float>(made, first, count, fixture::in_pieces(33))), Eq(bits_of(plain)));
      EXPECT_THAT(fixture::widened(dequantised<bf16>(made, first, count)), Eq(fixture::widened(plain_bf16)));
    }
}

TEST(Nf4, CodesAreTheSameWhateverThePieces) {
  const auto values = fixture::random_values(64 * 30 + 5, 4);
  const Quantised whole = quantised(serial_cpu(), values);

  EXPECT_THAT(quantised(fixture::in_pieces(3), values).packed, Eq(whole.packed));

  std::vector<std::uint8_t> piece(50);
  nf4_encode(serial_cpu(), const_view_of(std::span(values).subspan(70, 100)), 70, 64 * 30 + 5,
             const_view_of(std::span(std::as_const(whole.absmax))), kNf4Block, view_of(std::span(piece)));
  EXPECT_THAT(piece, testing::ElementsAreArray(whole.packed.begin() + 35, whole.packed.begin() + 85));
}

TEST(Nf4, AbsmaxTellsOfWhatIsNoNumber) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()})
    for (const std::size_t at : {0u, 40u, 63u, 64u, 70u}) {
      auto values = fixture::random_values(64 + 9, 5);
      values[at] = bad;

      const Quantised made = quantised(serial_cpu(), values);

      EXPECT_FALSE(std::isfinite(made.absmax[at / 64]));
      EXPECT_TRUE(std::isfinite(made.absmax[1 - at / 64]));
    }
}

}  // namespace
}  // namespace pst::kernels
