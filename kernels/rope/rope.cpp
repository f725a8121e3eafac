// SPDX-License-Identifier: Apache-2.0
#include "kernels/rope/rope.hpp"

#include <algorithm>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using namespace detail;

template <class T>
PST_INLINE void rotate_rows(T* x, std::int64_t heads, std::int64_t half, const std::int32_t* positions,
                            const float* cosines, const float* sines, float sign, std::int64_t begin,
                            std::int64_t end) {
  for (std::int64_t row = begin; row < end; ++row) {
    const float* const c = cosines + positions[row] * half;
    const float* const s = sines + positions[row] * half;
    for (std::int64_t head = 0; head < heads; ++head) {
      T* const first = x + (row * heads + head) * 2 * half;
      T* const second = first + half;
      for (std::int64_t i = 0; i < half; ++i) {
        const float a = load(first, i), b = load(second, i), sine = sign * s[i];
        store(first, i, a * c[i] - b * sine);
        store(second, i, b * c[i] + a * sine);
      }
    }
  }
}

PST_CLONES void rotate(float* x, std::int64_t heads, std::int64_t half, const std::int32_t* positions,
                       const float* cosines, const float* sines, float sign, std::int64_t begin, std::int64_t end) {
  rotate_rows(x, heads, half, positions, cosines, sines, sign, begin, end);
}
PST_CLONES void rotate(bf16* x, std::int64_t heads, std::int64_t half, const std::int32_t* positions,
                       const float* cosines, const float* sines, float sign, std::int64_t begin, std::int64_t end) {
  rotate_rows(x, heads, half, positions, cosines, sines, sign, begin, end);
}

}  // namespace

void rope(const Exec& on, View x, std::int64_t heads, ConstView positions, ConstView cosines, ConstView sines,
          Turn turn) {
  require_on(on, "rope", {x, positions, cosines, sines});
  require_float(x.dtype, "rope");
  const std::int64_t rows = positions.count;
  if (rows == 0) return;
  PST_ASSERT(heads > 0 && x.count % (rows * heads * 2) == 0, "every row has `heads` heads of an even width");
  const std::int64_t half = x.count / (rows * heads * 2);
  PST_ASSERT(cosines.count == sines.count && cosines.count % half == 0, "the tables hold half a head per position");
  PST_ASSERT(positions.dtype == Dtype::i32 && cosines.dtype == Dtype::f32 && sines.dtype == Dtype::f32,
             "positions are i32, tables f32");
  const float sign = turn == Turn::forward ? 1.0f : -1.0f;
  switch (on.device.kind) {
    case DeviceKind::cuda: return on_cuda(on, "rope", &CudaTable::rope, x, heads, positions, cosines, sines, sign);
    case DeviceKind::cpu: break;
  }
  const auto at = positions.as<std::int32_t>();
  const auto [lowest, highest] = std::minmax_element(at.begin(), at.end());
  PST_ASSERT(*lowest >= 0 && *highest < cosines.count / half, "every position is inside the table");
  with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(rows, 16, [&](std::int64_t begin, std::int64_t end) {
      rotate(static_cast<T*>(x.data), heads, half, at.data(), cosines.as<float>().data(), sines.as<float>().data(),
             sign, begin, end);
    });
  });
}

}  // namespace pst::kernels
