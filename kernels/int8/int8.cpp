// SPDX-License-Identifier: Apache-2.0
#include "kernels/int8/int8.hpp"

#include <algorithm>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/rows.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using namespace detail;

/// To the nearest value of f16, ties to even, as an f32; an infinity beyond 65504.
PST_INLINE float to_half_precision(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t magnitude = bits & 0x7fffffffu, sign = bits & 0x80000000u;
  const std::uint32_t normal = (magnitude + 0xfffu + ((magnitude >> 13) & 1u)) & ~0x1fffu;
  // Below 2^-14 the spacing is 2^-24, that of f32 at 0.5: adding and taking away 0.5 rounds to it.
  const float tiny = (__builtin_bit_cast(float, magnitude) + 0.5f) - 0.5f;
  std::uint32_t rounded = magnitude < 0x38800000u ? __builtin_bit_cast(std::uint32_t, tiny) : normal;
  rounded = rounded >= 0x47800000u ? 0x7f800000u : rounded;  // 65536
  rounded = magnitude > 0x7f800000u ? magnitude : rounded;   // a NaN stays one
  return __builtin_bit_cast(float, rounded | sign);
}

template <class T>
PST_INLINE void absmax_rows(const T* values, std::int64_t width, float* absmax, std::int64_t begin, std::int64_t end) {
  for (std::int64_t row = begin; row < end; ++row) {
    std::uint32_t largest = 0;  // as an integer, so that a NaN is the largest
    for (std::int64_t i = row * width; i < (row + 1) * width; ++i) {
      const auto bits = __builtin_bit_cast(std::uint32_t, to_half_precision(load(values, i))) & 0x7fffffffu;
      largest = bits > largest ? bits : largest;
    }
    absmax[row] = __builtin_bit_cast(float, largest);
  }
}

/// Rounds to an integer, ties to even, for |x| < 2^22: adding 1.5 * 2^23 leaves no room for a fraction.
PST_INLINE float round_even(float x) { return (x + 0x1.8p23f) - 0x1.8p23f; }

template <class T>
PST_INLINE void encode_row(const T* values, std::int64_t count, float absmax, std::int8_t* codes) {
  const float scale = absmax > 0 ? 127.0f * (1.0f / absmax) : 0.0f;
  for (std::int64_t i = 0; i < count; ++i)
    codes[i] = static_cast<std::int8_t>(round_even(to_half_precision(load(values, i)) * scale));
}

template <class T>
PST_INLINE void dequantise_row(const std::int8_t* codes, std::int64_t count, float absmax, T* out) {
  const float scale = absmax * (1.0f / 127.0f);
  for (std::int64_t i = 0; i < count; ++i) store(out, i, static_cast<float>(codes[i]) * scale);
}

PST_CLONES void absmax_of(const float* values, std::int64_t width, float* absmax, std::int64_t begin,
                          std::int64_t end) {
  absmax_rows(values, width, absmax, begin, end);
}
PST_CLONES void absmax_of(const bf16* values, std::int64_t width, float* absmax, std::int64_t begin, std::int64_t end) {
  absmax_rows(values, width, absmax, begin, end);
}
PST_CLONES void encode(const float* values, std::int64_t count, float absmax, std::int8_t* codes) {
  encode_row(values, count, absmax, codes);
}
PST_CLONES void encode(const bf16* values, std::int64_t count, float absmax, std::int8_t* codes) {
  encode_row(values, count, absmax, codes);
}
PST_CLONES void dequantise(const std::int8_t* codes, std::int64_t count, float absmax, float* out) {
  dequantise_row(codes, count, absmax, out);
}
PST_CLONES void dequantise(const std::int8_t* codes, std::int64_t count, float absmax, bf16* out) {
  dequantise_row(codes, count, absmax, out);
}

constexpr std::int64_t kGrain = 16384;

}  // namespace

void int8_absmax(const Exec& on, ConstView values, std::int64_t width, View absmax) {
  require_cpu(on, "int8_absmax");
  require_float(values.dtype, "int8_absmax");
  PST_ASSERT(width > 0 && values.count == absmax.count * width && absmax.dtype == Dtype::f32, "one absmax per row");
  with_float(values.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(absmax.count, std::max<std::int64_t>(1, kGrain / width), [&](std::int64_t begin, std::int64_t end) {
      absmax_of(static_cast<const T*>(values.data), width, static_cast<float*>(absmax.data), begin, end);
    });
  });
}

void int8_encode(const Exec& on, ConstView values, std::int64_t first, std::int64_t width, ConstView absmax,
                 View codes) {
  require_cpu(on, "int8_encode");
  require_float(values.dtype, "int8_encode");
  PST_ASSERT(codes.dtype == Dtype::i8 && codes.count == values.count && absmax.dtype == Dtype::f32, "codes are i8");
  PST_ASSERT(width > 0 && first >= 0 && first + values.count <= absmax.count * width, "a piece lies inside the matrix");
  const auto* const scales = static_cast<const float*>(absmax.data);
  auto* const into = static_cast<std::int8_t*>(codes.data);
  with_float(values.dtype, [&](auto kind) {
    using T = decltype(kind);
    const auto* const from = static_cast<const T*>(values.data);
    on.parallel_for(values.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      by_rows(first, width, begin, end, [&](std::int64_t row, std::int64_t at, std::int64_t stop) {
        encode(from + at, stop - at, scales[row], into + at);
      });
    });
  });
}

void int8_dequantise(const Exec& on, ConstView codes, ConstView absmax, std::int64_t width, std::int64_t first,
                     View out) {
  require_on(on, "int8_dequantise", {codes, absmax, out});
  require_float(out.dtype, "int8_dequantise");
  PST_ASSERT(codes.dtype == Dtype::i8 && absmax.dtype == Dtype::f32, "codes are i8, absmax is f32");
  PST_ASSERT(width > 0 && first >= 0 && first + out.count <= codes.count && codes.count <= absmax.count * width,
             "a piece lies inside the matrix");
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "int8_dequantise", &CudaTable::int8_dequantise, codes, absmax, width, first, out);
    case DeviceKind::cpu: break;
  }
  const auto* const from = static_cast<const std::int8_t*>(codes.data) + first;
  const auto* const scales = static_cast<const float*>(absmax.data);
  with_float(out.dtype, [&](auto kind) {
    using T = decltype(kind);
    auto* const into = static_cast<T*>(out.data);
    on.parallel_for(out.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      by_rows(first, width, begin, end, [&](std::int64_t row, std::int64_t at, std::int64_t stop) {
        dequantise(from + at, stop - at, scales[row], into + at);
      });
    });
  });
}

}  // namespace pst::kernels
