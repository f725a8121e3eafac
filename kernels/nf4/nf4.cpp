// SPDX-License-Identifier: Apache-2.0
#include "kernels/nf4/nf4.hpp"

#include <algorithm>
#include <bit>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

// Nothing here may be contracted to a fused multiply-add (CMakeLists.txt): the bits are to be bitsandbytes'.
namespace pst::kernels {
namespace {

using namespace detail;

constexpr float kSmallest = 1e-38f;
constexpr std::int64_t kGrainBlocks = 256;  // of 64 values: what a thread takes at least

/// Magnitudes are compared as integers: a NaN is then larger than an infinity and never lost.
template <class T>
PST_INLINE float largest(const T* values, std::int64_t count) {
  std::uint32_t lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const auto bits = __builtin_bit_cast(std::uint32_t, load(values, i + lane)) & 0x7fffffffu;
      lanes[lane] = bits > lanes[lane] ? bits : lanes[lane];
    }
  for (; i < count; ++i)
    lanes[0] = std::max(lanes[0], __builtin_bit_cast(std::uint32_t, load(values, i)) & 0x7fffffffu);
  return __builtin_bit_cast(float, *std::max_element(lanes, lanes + kLanes));
}

template <class T>
PST_INLINE void absmax_range(const T* values, std::int64_t n, std::int64_t block, float* absmax, std::int64_t begin,
                             std::int64_t end) {
  for (std::int64_t b = begin; b < end; ++b) {
    const std::int64_t count = std::min(block, n - b * block);
    const float found = largest(values + b * block, count);
    absmax[b] = count < block && found < kSmallest ? kSmallest : found;
  }
}

constexpr std::array<float, 15> kMidpoints = [] {
  std::array<float, 15> midpoints{};
  for (std::size_t c = 0; c < 15; ++c) midpoints[c] = (kNf4Levels[c] + kNf4Levels[c + 1]) / 2;
  return midpoints;
}();

PST_INLINE std::uint8_t code_of(float x) {
  std::uint8_t code = 0;  // beyond [-1, 1] the outermost codes are right without a clamp
  for (const float midpoint : kMidpoints) code = static_cast<std::uint8_t>(code + (midpoint < x ? 1 : 0));
  return code;
}

/// Codes of values that share an absmax, one per byte.
template <class T>
PST_INLINE void codes_of(const T* values, std::int64_t count, float absmax, bool ragged, std::uint8_t* codes) {
  if (ragged) {
    for (std::int64_t i = 0; i < count; ++i) codes[i] = code_of(load(values, i) / absmax);
    return;
  }
  const float inverse = 1.0f / std::max(absmax, kSmallest);
  for (std::int64_t i = 0; i < count; ++i) codes[i] = code_of(load(values, i) * inverse);
}

struct EncodeJob {
  std::int64_t first, count, n, block;
  const float* absmax;
  std::uint8_t* packed;
};

/// Values [begin, end) of the job; begin is even.
template <class T>
PST_INLINE void encode_range(const T* values, const EncodeJob& job, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t kPiece = 256;
  std::uint8_t codes[kPiece];
  for (std::int64_t at = begin; at < end;) {
    const std::int64_t piece_end = std::min(at + kPiece, end);
    for (std::int64_t i = at; i < piece_end;) {  // the parts of blocks in this piece
      const std::int64_t index = job.first + i, b = index / job.block;
      const std::int64_t stop = std::min(piece_end, (b + 1) * job.block - job.first);
      codes_of(values + i, stop - i, job.absmax[b], (b + 1) * job.block > job.n, codes + (i - at));
      i = stop;
    }
    const std::int64_t count = piece_end - at;
    if (count % 2 != 0) codes[count] = 7;  // kPiece is even, so there is room
    for (std::int64_t pair = 0; pair < (count + 1) / 2; ++pair)
      job.packed[at / 2 + pair] = static_cast<std::uint8_t>(codes[2 * pair] << 4 | codes[2 * pair + 1]);
    at = piece_end;
  }
}

PST_CLONES void absmax_of(const float* values, std::int64_t n, std::int64_t block, float* absmax, std::int64_t begin,
                          std::int64_t end) {
  absmax_range(values, n, block, absmax, begin, end);
}
PST_CLONES void absmax_of(const bf16* values, std::int64_t n, std::int64_t block, float* absmax, std::int64_t begin,
                          std::int64_t end) {
  absmax_range(values, n, block, absmax, begin, end);
}
PST_CLONES void encode(const float* values, const EncodeJob& job, std::int64_t begin, std::int64_t end) {
  encode_range(values, job, begin, end);
}
PST_CLONES void encode(const bf16* values, const EncodeJob& job, std::int64_t begin, std::int64_t end) {
  encode_range(values, job, begin, end);
}

}  // namespace

void nf4_absmax(const Exec& on, ConstView values, std::int64_t block, View absmax) {
  require_on(on, "nf4_absmax", {values, absmax});
  require_float(values.dtype, "nf4_absmax");
  PST_ASSERT(block > 0 && absmax.dtype == Dtype::f32, "absmax is f32, one per block");
  PST_ASSERT(absmax.count == blocks_of(values.count, block), "every block has an absmax");
  switch (on.device.kind) {
    case DeviceKind::cuda: return on_cuda(on, "nf4_absmax", &CudaTable::nf4_absmax, values, block, absmax);
    case DeviceKind::cpu: break;
  }
  auto* const into = static_cast<float*>(absmax.data);
  with_float(values.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(absmax.count, kGrainBlocks, [&](std::int64_t begin, std::int64_t end) {
      absmax_of(static_cast<const T*>(values.data), values.count, block, into, begin, end);
    });
  });
}

void nf4_encode(const Exec& on, ConstView values, std::int64_t first, std::int64_t n, ConstView absmax,
                std::int64_t block, View packed) {
  require_on(on, "nf4_encode", {values, absmax, packed});
  require_float(values.dtype, "nf4_encode");
  PST_ASSERT(block > 0 && absmax.dtype == Dtype::f32 && packed.dtype == Dtype::u8, "absmax is f32, codes are u8");
  PST_ASSERT(first >= 0 && first % 2 == 0 && first + values.count <= n, "a piece starts at a byte inside the matrix");
  PST_ASSERT(values.count % 2 == 0 || first + values.count == n, "a piece ends at a byte");
  PST_ASSERT(absmax.count == blocks_of(n, block) && packed.count == (values.count + 1) / 2, "sizes fit the values");
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "nf4_encode", &CudaTable::nf4_encode, values, first, n, absmax, block, packed);
    case DeviceKind::cpu: break;
  }
  const EncodeJob job{
      first, values.count, n, block, static_cast<const float*>(absmax.data), static_cast<std::uint8_t*>(packed.data)};
  with_float(values.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(packed.count, kGrainBlocks * 32, [&](std::int64_t begin, std::int64_t end) {
      encode(static_cast<const T*>(values.data), job, 2 * begin, std::min(2 * end, values.count));
    });
  });
}

void nf4_quantise(const Exec& on, ConstView values, std::int64_t block, View packed, View absmax) {
  nf4_absmax(on, values, block, absmax);
  nf4_encode(on, values, 0, values.count, absmax, block, packed);
}

}  // namespace pst::kernels
