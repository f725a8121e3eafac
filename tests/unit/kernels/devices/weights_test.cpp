// SPDX-License-Identifier: Apache-2.0
// Kernels for quantised weights: the codes and values of the CPU, bit for bit.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/strings.hpp"
#include "kernels/fp8/fp8.hpp"
#include "kernels/int8/int8.hpp"
#include "kernels/nf4/nf4.hpp"
#include "kernels/nf4/nf4_product.hpp"
#include "support/devices.hpp"
#include "support/values.hpp"

namespace pst::kernels {
namespace {

using namespace fixture;
class Weights : public OnEveryDevice {};
PST_ON_EVERY_DEVICE(Weights);

template <class T>
View host(std::vector<T>& values) {
  return view_of(std::span(values));
}
std::vector<std::uint8_t> random_bytes(std::size_t count) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(Rng(3).word(i)));
  return bytes;
}

template <class T>
void quantises_alike(const OnEveryDevice& at, std::size_t n, std::int64_t block) {
  SCOPED_TRACE(cat(n, " values of ", sizeof(T), " bytes in blocks of ", block));
  auto wide = random_values(n, 1);
  if (n > 70) std::fill(wide.begin() + 64, wide.begin() + 66, 0.0f);
  auto values = as_type<T>(wide);
  std::vector<float> absmax(static_cast<std::size_t>(blocks_of(static_cast<std::int64_t>(n), block)));
  std::vector<std::uint8_t> packed((n + 1) / 2);
  const DeviceArray<T> d_values(at.table(), values);
  const DeviceArray<float> d_absmax(at.table(), absmax);
  const DeviceArray<std::uint8_t> d_packed(at.table(), packed);

  nf4_quantise(serial_cpu(), host(values), block, host(packed), host(absmax));
  nf4_quantise(at.gpu(), d_values, block, d_packed, d_absmax);

  expect_same_bits(d_absmax.values(), absmax);
  EXPECT_EQ(d_packed.values(), packed);
}

TEST_P(Weights, Nf4Quantise) {
  for (const std::size_t n : {0u, 1u, 63u, 64u, 65u, 640u, 64u * 101u + 13u})
    for (const std::int64_t block : {64, 128}) {
      quantises_alike<float>(*this, n, block);
      quantises_alike<bf16>(*this, n, block);
    }
}

TEST_P(Weights, Nf4EncodesAPieceOfAMatrix) {
  auto values = random_values(300, 1);
  std::vector<float> absmax(5);
  std::vector<std::uint8_t> packed(100);
  nf4_absmax(serial_cpu(), host(values), 64, host(absmax));
  const DeviceArray<float> d_values(table(), std::vector<float>(values.begin() + 50, values.begin() + 250)),
      d_absmax(table(), absmax);
  const DeviceArray<std::uint8_t> d_packed(table(), packed);
  nf4_encode(serial_cpu(), host(values).part(50, 200), 50, 300, host(absmax), 64, host(packed));
  nf4_encode(gpu(), d_values, 50, 300, d_absmax, 64, d_packed);
  EXPECT_EQ(d_packed.values(), packed);
}

template <class T>
void dequantises_alike(const OnEveryDevice& at, std::size_t count, std::int64_t first, std::int64_t block,
                       Placed placed) {
  SCOPED_TRACE(cat(count, " values of ", sizeof(T), " bytes from ", first, " in blocks of ", block));
  const std::size_t n = count + static_cast<std::size_t>(first);
  auto packed = random_bytes((n + 1) / 2);
  auto absmax = random_values(static_cast<std::size_t>(blocks_of(static_cast<std::int64_t>(n), block)), 2);
  std::vector<T> out(count);
  const DeviceArray<std::uint8_t> d_packed(at.table(), packed);
  const DeviceArray<float> d_absmax(at.table(), absmax);
  const DeviceArray<T> d_out(at.table(), out, placed);

  nf4_dequantise_reference(host(packed), host(absmax), block, first, host(out));
  nf4_dequantise(at.gpu(), d_packed, d_absmax, block, first, d_out);

  expect_same_bits(d_out.values(), out);
}

TEST_P(Weights, Nf4Dequantise) {
  for (const std::size_t count : {0u, 1u, 8u, 64u, 4096u, 64u * 101u + 13u, 40000u})
    for (const std::int64_t first : {0, 1, 64, 72})
      for (const std::int64_t block : {64, 24, 7}) {
        dequantises_alike<float>(*this, count, first, block, Placed::aligned);
        dequantises_alike<bf16>(*this, count, first, block, Placed::aligned);
      }
  dequantises_alike<bf16>(*this, 1000, 0, 64, Placed::shifted);
}

TEST_P(Weights, DoubleDequantise) {
  auto codes = random_bytes(1000);
  auto scale = random_values(4, 1);
  std::vector<float> map(dynamic_map().begin(), dynamic_map().end()), offset = {0.37f}, out(900);
  const DeviceArray<std::uint8_t> d_codes(table(), codes);
  const DeviceArray<float> d_scale(table(), scale), d_map(table(), map), d_offset(table(), offset), d_out(table(), out);
  double_dequantise(serial_cpu(), host(codes), host(scale), host(map), host(offset), 77, host(out));
  double_dequantise(gpu(), d_codes, d_scale, d_map, d_offset, 77, d_out);
  expect_same_bits(d_out.values(), out);
}

template <class T>
void int8_alike(const OnEveryDevice& at, std::int64_t rows, std::int64_t width, std::int64_t first) {
  SCOPED_TRACE(cat(rows, " x ", width, " from ", first));
  std::vector<std::int8_t> codes;
  for (const std::uint8_t byte : random_bytes(static_cast<std::size_t>(rows * width)))
    codes.push_back(static_cast<std::int8_t>(byte));
  auto absmax = random_values(static_cast<std::size_t>(rows), 1);
  std::vector<T> out(static_cast<std::size_t>(rows * width - first));
  const DeviceArray<std::int8_t> d_codes(at.table(), codes);
  const DeviceArray<float> d_absmax(at.table(), absmax);
  const DeviceArray<T> d_out(at.table(), out);
  int8_dequantise(serial_cpu(), host(codes), host(absmax), width, first, host(out));
  int8_dequantise(at.gpu(), d_codes, d_absmax, width, first, d_out);
  expect_same_bits(d_out.values(), out);
}

TEST_P(Weights, Int8Dequantise) {
  for (const auto& [rows, width, first] : {std::tuple{3, 64, 0}, {5, 37, 0}, {4, 64, 24}, {4, 64, 3}, {40, 576, 0}}) {
    int8_alike<float>(*this, rows, width, first);
    int8_alike<bf16>(*this, rows, width, first);
  }
}

template <class T>
void fp8_alike(const OnEveryDevice& at, std::int64_t rows, std::int64_t width, std::int64_t first, Placed placed) {
  SCOPED_TRACE(cat(rows, " x ", width, " from ", first));
  auto wide = random_values(static_cast<std::size_t>(rows * width), 1);
  const auto row = [&](std::int64_t r) { return std::span(wide).subspan(static_cast<std::size_t>(r * width)); };
  std::fill_n(row(0).begin(), width, 0.0f);
  if (rows > 3) {
    for (float& value : row(1).first(static_cast<std::size_t>(width)))
      value *= 1e-38f;  // so small a scale has no reciprocal
    const std::vector<float> odd = {-0.0f, 0.0f, 1e-12f, -1e-12f, 1e-40f, -1e-40f, 3e-3f};
    std::copy(odd.begin(), odd.end(), row(2).begin());
    for (float& value : row(3).first(static_cast<std::size_t>(width))) value *= 1e30f;
  }
  auto values = as_type<T>(wide);
  std::vector<std::uint8_t> codes(values.size());
  std::vector<float> scales(static_cast<std::size_t>(rows));
  const DeviceArray<T> d_values(at.table(), values, placed);
  const DeviceArray<std::uint8_t> d_codes(at.table(), codes);
  const DeviceArray<float> d_scales(at.table(), scales);
  auto factors = random_values(static_cast<std::size_t>(width), 2);
  const DeviceArray<float> d_factors(at.table(), factors);
  for (const bool multiplied : {true, false}) {
    fp8_quantise(serial_cpu(), host(values), multiplied ? host(factors) : View{}, width, host(codes), host(scales));
    fp8_quantise(at.gpu(), d_values, multiplied ? d_factors.view() : View{}, width, d_codes, d_scales);
    EXPECT_EQ(d_codes.values(), codes);
    expect_same_bits(d_scales.values(), scales);
  }

  std::vector<T> out(static_cast<std::size_t>(rows * width - first));
  const DeviceArray<T> d_out(at.table(), out, placed);
  fp8_dequantise(serial_cpu(), host(codes), host(scales), width, first, host(out));
  fp8_dequantise(at.gpu(), d_codes, d_scales, width, first, d_out);
  expect_same_bits(d_out.values(), out);
}

TEST_P(Weights, Fp8QuantiseAndDequantise) {
  for (const auto& [rows, width, first] :
       {std::tuple{3, 64, 0}, {5, 37, 0}, {4, 64, 24}, {4, 64, 3}, {40, 576, 0}, {2, 3000, 0}, {9, 14336, 0}}) {
    fp8_alike<float>(*this, rows, width, first, Placed::aligned);
    fp8_alike<bf16>(*this, rows, width, first, Placed::aligned);
  }
  fp8_alike<bf16>(*this, 7, 96, 0, Placed::shifted);
}

// A processor chooses the sign and the payload of the NaNs that it makes, so these rows have no bits in common.
TEST_P(Weights, Fp8RowsThatAreNotFiniteSpoilNoOthers) {
  constexpr std::size_t kRows = 4, kWidth = 64;
  auto values = random_values(kRows * kWidth, 1);
  values[kWidth + 5] = std::numeric_limits<float>::quiet_NaN();
  values[2 * kWidth + 7] = -std::numeric_limits<float>::infinity();
  std::vector<std::uint8_t> codes(values.size());
  std::vector<float> scales(kRows);
  const DeviceArray<float> d_values(table(), values), d_scales(table(), scales);
  const DeviceArray<std::uint8_t> d_codes(table(), codes);
  fp8_quantise(serial_cpu(), host(values), View{}, kWidth, host(codes), host(scales));
  fp8_quantise(gpu(), d_values, View{}, kWidth, d_codes, d_scales);
  const auto found_codes = d_codes.values();
  const auto found_scales = d_scales.values();
  for (const std::size_t row : {1u, 2u}) {
    EXPECT_FALSE(std::isfinite(scales[row]));
    EXPECT_FALSE(std::isfinite(found_scales[row]));
  }
  for (const std::size_t row : {0u, 3u}) {
    EXPECT_EQ(found_scales[row], scales[row]);
    const auto begin = static_cast<std::ptrdiff_t>(row * kWidth);
    EXPECT_TRUE(std::equal(codes.begin() + begin, codes.begin() + begin + kWidth, found_codes.begin() + begin));
  }
}

TEST_P(Weights, Fp8Transpose) {
  for (const auto& [rows, width] : {std::pair{4, 4}, {8, 36}, {128, 128}, {132, 260}, {300, 64}, {0, 8}}) {
    SCOPED_TRACE(cat(rows, " x ", width));
    auto codes = random_bytes(static_cast<std::size_t>(rows * width));
    std::vector<std::uint8_t> turned(codes.size());
    const DeviceArray<std::uint8_t> d_codes(table(), codes), d_turned(table(), turned);
    fp8_transpose(serial_cpu(), host(codes), width, host(turned));
    fp8_transpose(gpu(), d_codes, width, d_turned);
    EXPECT_EQ(d_turned.values(), turned);
    if (!codes.empty()) {
      EXPECT_EQ(turned.at(1), codes.at(static_cast<std::size_t>(width)));
    }
  }
}

TEST_P(Weights, Fp8DequantisesEveryCode) {
  std::vector<std::uint8_t> codes(256);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint8_t>(i);
  std::vector<float> scales = {0.37f}, out(256);
  const DeviceArray<std::uint8_t> d_codes(table(), codes);
  const DeviceArray<float> d_scales(table(), scales), d_out(table(), out);
  fp8_dequantise(serial_cpu(), host(codes), host(scales), 256, 0, host(out));
  fp8_dequantise(gpu(), d_codes, d_scales, 256, 0, d_out);
  expect_same_bits(d_out.values(), out);
}

template <class T>
void product_alike(const OnEveryDevice& at, std::int64_t n, std::int64_t in, std::int64_t rows, Placed placed) {
  SCOPED_TRACE(cat(n, " x ", in, " by ", rows));
  auto x = as_type<T>(random_values(static_cast<std::size_t>(n * in), 1));
  auto packed = random_bytes(static_cast<std::size_t>(rows * in / 2));
  auto absmax = random_values(static_cast<std::size_t>(blocks_of(rows * in, 64)), 2);
  std::vector<T> out(static_cast<std::size_t>(n * rows));
  const DeviceArray<T> d_x(at.table(), x, placed), d_out(at.table(), out);
  const DeviceArray<std::uint8_t> d_packed(at.table(), packed);
  const DeviceArray<float> d_absmax(at.table(), absmax);
  nf4_product(serial_cpu(), host(x), host(packed), host(absmax), 64, rows, host(out));
  nf4_product(at.gpu(), d_x, d_packed, d_absmax, 64, rows, d_out);
  expect_near(d_out.values(), out, ulps<T>(1e-5), 1e-4);  // sums of up to 576 terms of both signs in another order
}

TEST_P(Weights, Nf4ProductOfFewRows) {
  for (const auto& [n, in, rows] :
       {std::tuple{1, 8, 1}, {1, 576, 5}, {2, 264, 16}, {4, 576, 33}, {5, 64, 7}, {8, 320, 9}}) {
    product_alike<float>(*this, n, in, rows, Placed::aligned);
    product_alike<bf16>(*this, n, in, rows, Placed::aligned);
  }
  product_alike<bf16>(*this, 3, 72, 5, Placed::shifted);
}

}  // namespace
}  // namespace pst::kernels
