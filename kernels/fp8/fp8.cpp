// SPDX-License-Identifier: Apache-2.0
#include "kernels/fp8/fp8.hpp"

#include <algorithm>
#include <vector>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/rows.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using namespace detail;

constexpr std::int64_t kGrain = 16384;

/// Exponents are biased by 127 in f32 and by 7 in E4M3, so a code's bits, 20 places up, lack 120 of the exponent. Below
/// 2^-6 codes are multiples of 2^-9, which is the spacing of f32 at 2^14.
PST_INLINE std::uint32_t to_e4m3(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  std::uint32_t magnitude = bits & 0x7fffffffu;
  magnitude = magnitude < 0x43e00000u ? magnitude : 0x43e00000u;  // 448
  const std::uint32_t normal = ((magnitude + 0x7ffffu + ((magnitude >> 20) & 1u)) >> 20) - (120u << 3);
  const float lifted = __builtin_bit_cast(float, magnitude) + 0x1p14f;
  const std::uint32_t tiny = __builtin_bit_cast(std::uint32_t, lifted) - 0x46800000u;
  return (magnitude < 0x3c800000u ? tiny : normal) | ((bits >> 24) & 0x80u);
}

PST_INLINE float from_e4m3(std::uint32_t code) {
  const std::uint32_t magnitude = code & 0x7fu;
  const float normal = __builtin_bit_cast(float, (magnitude << 20) + (120u << 23));
  const float tiny = static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-9f;
  const auto bits = __builtin_bit_cast(std::uint32_t, magnitude < 8 ? tiny : normal);
  return __builtin_bit_cast(float, bits | ((code & 0x80u) << 24));
}

template <class T>
PST_INLINE float scale_of_row(const T* values, std::int64_t width) {
  std::uint32_t largest = 0;  // as an integer, so that a NaN is the largest
  for (std::int64_t i = 0; i < width; ++i) {
    const auto bits = __builtin_bit_cast(std::uint32_t, load(values, i)) & 0x7fffffffu;
    largest = bits > largest ? bits : largest;
  }
  return __builtin_bit_cast(float, largest) / kFp8Largest;
}

template <class T>
PST_INLINE void encode_row(const T* values, std::int64_t count, float scale, std::uint8_t* codes) {
  const float divisor = scale == 0.0f ? 1.0f : scale;
  for (std::int64_t i = 0; i < count; ++i) codes[i] = static_cast<std::uint8_t>(to_e4m3(load(values, i) / divisor));
}

template <class T>
PST_INLINE void dequantise_row(const std::uint8_t* codes, std::int64_t count, float scale, T* out) {
  for (std::int64_t i = 0; i < count; ++i) store(out, i, from_e4m3(codes[i]) * scale);
}

PST_CLONES void scales_of(const float* values, std::int64_t width, float* scales, std::int64_t rows) {
  for (std::int64_t row = 0; row < rows; ++row) scales[row] = scale_of_row(values + row * width, width);
}
PST_CLONES void scales_of(const bf16* values, std::int64_t width, float* scales, std::int64_t rows) {
  for (std::int64_t row = 0; row < rows; ++row) scales[row] = scale_of_row(values + row * width, width);
}
PST_CLONES void encode(const float* values, std::int64_t count, float scale, std::uint8_t* codes) {
  encode_row(values, count, scale, codes);
}
PST_CLONES void encode(const bf16* values, std::int64_t count, float scale, std::uint8_t* codes) {
  encode_row(values, count, scale, codes);
}
PST_CLONES void dequantise(const std::uint8_t* codes, std::int64_t count, float scale, float* out) {
  dequantise_row(codes, count, scale, out);
}
PST_CLONES void dequantise(const std::uint8_t* codes, std::int64_t count, float scale, bf16* out) {
  dequantise_row(codes, count, scale, out);
}

}  // namespace

void fp8_scales(const Exec& on, ConstView values, std::int64_t width, View scales) {
  require_cpu(on, "fp8_scales");
  require_float(values.dtype, "fp8_scales");
  PST_ASSERT(scales.dtype == Dtype::f32, "scales are f32");
  PST_ASSERT(width > 0 && values.count == scales.count * width, "a scale for every row");
  auto* const into = static_cast<float*>(scales.data);
  with_float(values.dtype, [&](auto kind) {
    using T = decltype(kind);
    const auto* const from = static_cast<const T*>(values.data);
    on.parallel_for(scales.count, std::max<std::int64_t>(1, kGrain / width), [&](std::int64_t begin, std::int64_t end) {
      scales_of(from + begin * width, width, into + begin, end - begin);
    });
  });
}

void fp8_encode(const Exec& on, ConstView values, std::int64_t first, std::int64_t width, ConstView scales,
                View codes) {
  require_cpu(on, "fp8_encode");
  require_float(values.dtype, "fp8_encode");
  PST_ASSERT(codes.dtype == Dtype::u8 && codes.count == values.count && scales.dtype == Dtype::f32, "codes are u8");
  PST_ASSERT(width > 0 && first >= 0 && first + values.count <= scales.count * width, "a piece lies inside the matrix");
  const auto* const scale = static_cast<const float*>(scales.data);
  auto* const into = static_cast<std::uint8_t*>(codes.data);
  with_float(values.dtype, [&](auto kind) {
    using T = decltype(kind);
    const auto* const from = static_cast<const T*>(values.data);
    on.parallel_for(values.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      by_rows(first, width, begin, end, [&](std::int64_t row, std::int64_t at, std::int64_t stop) {
        encode(from + at, stop - at, scale[row], into + at);
      });
    });
  });
}

void fp8_quantise(const Exec& on, ConstView values, ConstView factors, std::int64_t width, View codes, View scales) {
  require_on(on, "fp8_quantise", {values, factors, codes, scales});
  require_float(values.dtype, "fp8_quantise");
  PST_ASSERT(codes.dtype == Dtype::u8 && scales.dtype == Dtype::f32, "codes are u8, scales are f32");
  PST_ASSERT(width > 0 && codes.count == values.count && values.count == scales.count * width, "a scale for every row");
  PST_ASSERT(factors.data == nullptr || (factors.dtype == Dtype::f32 && factors.count == width),
             "factors are columns'");
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "fp8_quantise", &CudaTable::fp8_quantise, values, factors, width, codes, scales);
    case DeviceKind::cpu: break;
  }
  if (factors.data == nullptr) {
    fp8_scales(on, values, width, scales);
    fp8_encode(on, values, 0, width, scales, codes);
    return;
  }
  // No program of ours comes here on a CPU, where the gradient is that of the dequantised weight: this is what GPUs are
  // compared with.
  std::vector<float> multiplied(static_cast<std::size_t>(values.count));
  const auto* const factor = static_cast<const float*>(factors.data);
  with_float(values.dtype, [&](auto kind) {
    const auto* const from = static_cast<const decltype(kind)*>(values.data);
    for (std::int64_t i = 0; i < values.count; ++i)
      multiplied[static_cast<std::size_t>(i)] = load(from, i) * factor[i % width];
  });
  fp8_quantise(on, View{multiplied.data(), values.count}, {}, width, codes, scales);
}

void fp8_transpose(const Exec& on, ConstView codes, std::int64_t width, View out) {
  require_on(on, "fp8_transpose", {codes, out});
  PST_ASSERT(codes.dtype == Dtype::u8 && out.dtype == Dtype::u8 && codes.count == out.count, "codes are u8");
  PST_ASSERT(width > 0 && codes.count % width == 0, "whole rows");
  const std::int64_t rows = codes.count / width;
  PST_ASSERT(rows % 4 == 0 && width % 4 == 0, "sides are multiples of 4");
  switch (on.device.kind) {
    case DeviceKind::cuda: return on_cuda(on, "fp8_transpose", &CudaTable::fp8_transpose, codes, width, out);
    case DeviceKind::cpu: break;
  }
  const auto* const from = static_cast<const std::uint8_t*>(codes.data);
  auto* const into = static_cast<std::uint8_t*>(out.data);
  on.parallel_for(width, std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(rows, 1)),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t column = begin; column < end; ++column)
                      for (std::int64_t row = 0; row < rows; ++row)
                        into[column * rows + row] = from[row * width + column];
                  });
}

void fp8_dequantise(const Exec& on, ConstView codes, ConstView scales, std::int64_t width, std::int64_t first,
                    View out) {
  require_on(on, "fp8_dequantise", {codes, scales, out});
  require_float(out.dtype, "fp8_dequantise");
  PST_ASSERT(codes.dtype == Dtype::u8 && scales.dtype == Dtype::f32, "codes are u8, scales are f32");
  PST_ASSERT(width > 0 && first >= 0 && first + out.count <= codes.count && codes.count <= scales.count * width,
             "a piece lies inside the matrix");
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "fp8_dequantise", &CudaTable::fp8_dequantise, codes, scales, width, first, out);
    case DeviceKind::cpu: break;
  }
  const auto* const from = static_cast<const std::uint8_t*>(codes.data) + first;
  const auto* const scale = static_cast<const float*>(scales.data);
  with_float(out.dtype, [&](auto kind) {
    using T = decltype(kind);
    auto* const into = static_cast<T*>(out.data);
    on.parallel_for(out.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      by_rows(first, width, begin, end, [&](std::int64_t row, std::int64_t at, std::int64_t stop) {
        dequantise(from + at, stop - at, scale[row], into + at);
      });
    });
  });
}

}  // namespace pst::kernels
