// SPDX-License-Identifier: Apache-2.0
// Dequantisation: the plain loop, and one that takes eight codes at a time out of a 32-bit word. The levels are looked
// up by a permutation of two registers (vpermps, vpermt2ps) (not measured against a table in memory).
#include <algorithm>
#include <cstring>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"
#include "kernels/nf4/nf4.hpp"

namespace pst::kernels {
namespace {

using namespace detail;

using F8 [[gnu::vector_size(32)]] = float;
using U8 [[gnu::vector_size(32)]] = std::uint32_t;
using I8 [[gnu::vector_size(32)]] = std::int32_t;
using H8 [[gnu::vector_size(16)]] = std::uint16_t;

template <class T>
PST_INLINE void one(const std::uint8_t* packed, std::int64_t index, float scale, T* out, std::int64_t i) {
  const std::uint8_t byte = packed[index / 2];
  store(out, i, kNf4Levels[index % 2 == 0 ? byte >> 4 : byte & 15] * scale);
}

PST_INLINE void store8(float* out, const F8& values) { std::memcpy(out, &values, sizeof values); }
/// Rounds as detail::store does. No value is a NaN here unless absmax is one, and that is refused when a model is
/// loaded.
PST_INLINE void store8(bf16* out, const F8& values) {
  U8 bits;
  std::memcpy(&bits, &values, sizeof bits);
  bits = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const H8 halves = __builtin_convertvector(bits, H8);
  std::memcpy(static_cast<void*>(out), &halves, sizeof halves);
}

struct Job {
  const std::uint8_t* packed;
  const float* absmax;
  std::int64_t block, first;
};

/// out[begin, end) of the job.
template <class T>
PST_INLINE void range(const Job& job, T* out, std::int64_t begin, std::int64_t end) {
  F8 low, high;
  std::memcpy(&low, kNf4Levels.data(), sizeof low);
  std::memcpy(&high, kNf4Levels.data() + 8, sizeof high);
  const U8 shifts = {4, 0, 12, 8, 20, 16, 28, 24};  // high nibble first, bytes in little-endian order
  for (std::int64_t i = begin; i < end;) {
    const std::int64_t b = (job.first + i) / job.block;
    const std::int64_t stop = std::min(end, (b + 1) * job.block - job.first);
    const float scale = job.absmax[b];
    if ((job.first + i) % 2 != 0 && i < stop) one(job.packed, job.first + i, scale, out, i), ++i;
    const std::uint8_t* bytes = job.packed + (job.first + i) / 2;
    for (; i + 8 <= stop; i += 8, bytes += 4) {
      std::uint32_t word;
      std::memcpy(&word, bytes, sizeof word);
      const U8 codes = ((U8{} + word) >> shifts) & 15u;
      I8 lanes;
      std::memcpy(&lanes, &codes, sizeof lanes);
      store8(out + i, __builtin_shuffle(low, high, lanes) * scale);
    }
    for (; i < stop; ++i) one(job.packed, job.first + i, scale, out, i);
  }
}

PST_CLONES void dequantise(const Job& job, float* out, std::int64_t begin, std::int64_t end) {
  range(job, out, begin, end);
}
PST_CLONES void dequantise(const Job& job, bf16* out, std::int64_t begin, std::int64_t end) {
  range(job, out, begin, end);
}

void check(ConstView packed, ConstView absmax, std::int64_t block, std::int64_t first, View out) {
  require_float(out.dtype, "nf4_dequantise");
  PST_ASSERT(packed.dtype == Dtype::u8 && absmax.dtype == Dtype::f32, "codes are u8, absmax is f32");
  PST_ASSERT(block > 0 && first >= 0 && (first + out.count + 1) / 2 <= packed.count, "the codes reach that far");
  PST_ASSERT(blocks_of(first + out.count, block) <= absmax.count, "every block has an absmax");
}

}  // namespace

void nf4_dequantise(const Exec& on, ConstView packed, ConstView absmax, std::int64_t block, std::int64_t first,
                    View out) {
  require_on(on, "nf4_dequantise", {packed, absmax, out});
  check(packed, absmax, block, first, out);
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "nf4_dequantise", &CudaTable::nf4_dequantise, packed, absmax, block, first, out);
    case DeviceKind::cpu: break;
  }
  const Job job{static_cast<const std::uint8_t*>(packed.data), static_cast<const float*>(absmax.data), block, first};
  with_float(out.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(out.count, 16384, [&](std::int64_t begin, std::int64_t end) {
      dequantise(job, static_cast<T*>(out.data), begin, end);
    });
  });
}

void nf4_dequantise_reference(ConstView packed, ConstView absmax, std::int64_t block, std::int64_t first, View out) {
  check(packed, absmax, block, first, out);
  const auto codes = packed.as<std::uint8_t>();
  const auto scales = absmax.as<float>();
  for (std::int64_t i = 0; i < out.count; ++i) {
    const auto index = static_cast<std::size_t>(first + i);
    const int code = index % 2 == 0 ? codes[index / 2] >> 4 : codes[index / 2] & 15;
    const float value = kNf4Levels[static_cast<std::size_t>(code)] * scales[index / static_cast<std::size_t>(block)];
    if (out.dtype == Dtype::f32)
      out.as<float>()[static_cast<std::size_t>(i)] = value;
    else
      out.as<bf16>()[static_cast<std::size_t>(i)] = to_bf16(value);
  }
}

}  // namespace pst::kernels
