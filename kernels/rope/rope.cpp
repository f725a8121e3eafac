// SPDX-License-Identifier: Apache-2.0
#include "kernels/rope/rope.hpp"

#include <algorithm>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using namespace detail;

struct Angles {
  const std::int32_t* positions;
  const float *cosines, *sines;
  float sign;
};

template <class T>
PST_INLINE void rotate_rows(T* x, const Rotated& shape, const Angles& angles, std::int64_t begin, std::int64_t end) {
  const std::int64_t half = shape.half;
  for (std::int64_t row = begin; row < end; ++row) {
    const float* const c = angles.cosines + angles.positions[row] * half;
    const float* const s = angles.sines + angles.positions[row] * half;
    for (std::int64_t head = 0; head < shape.heads; ++head) {
      T* const first = x + (row * shape.heads + head) * shape.dim;
      if (shape.pairs == Pairs::neighbours) {
        for (std::int64_t i = 0; i < half; ++i) {
          const float a = load(first, 2 * i), b = load(first, 2 * i + 1), sine = angles.sign * s[i];
          store(first, 2 * i, a * c[i] - b * sine);
          store(first, 2 * i + 1, b * c[i] + a * sine);
        }
        continue;
      }
      T* const second = first + half;
      for (std::int64_t i = 0; i < half; ++i) {
        const float a = load(first, i), b = load(second, i), sine = angles.sign * s[i];
        store(first, i, a * c[i] - b * sine);
        store(second, i, b * c[i] + a * sine);
      }
    }
  }
}

PST_CLONES void rotate(float* x, const Rotated& shape, const Angles& angles, std::int64_t begin, std::int64_t end) {
  rotate_rows(x, shape, angles, begin, end);
}
PST_CLONES void rotate(bf16* x, const Rotated& shape, const Angles& angles, std::int64_t begin, std::int64_t end) {
  rotate_rows(x, shape, angles, begin, end);
}

}  // namespace

void rope(const Exec& on, View x, const Rotated& shape, ConstView positions, ConstView cosines, ConstView sines,
          Turn turn) {
  require_on(on, "rope", {x, positions, cosines, sines});
  require_float(x.dtype, "rope");
  const std::int64_t rows = positions.count;
  if (rows == 0) return;
  PST_ASSERT(
      shape.heads > 0 && shape.half > 0 && 2 * shape.half <= shape.dim && x.count == rows * shape.heads * shape.dim,
      "every row has `heads` heads, of which some pairs turn");
  PST_ASSERT(cosines.count == sines.count && cosines.count % shape.half == 0, "the tables hold `half` per position");
  PST_ASSERT(positions.dtype == Dtype::i32 && cosines.dtype == Dtype::f32 && sines.dtype == Dtype::f32,
             "positions are i32, tables f32");
  const float sign = turn == Turn::forward ? 1.0f : -1.0f;
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "rope", &CudaTable::rope, x,
                     cuda::Rotation{shape.heads, shape.dim, shape.half, shape.pairs == Pairs::neighbours, sign},
                     positions, cosines, sines);
    case DeviceKind::cpu: break;
  }
  const auto at = positions.as<std::int32_t>();
  const auto [lowest, highest] = std::minmax_element(at.begin(), at.end());
  PST_ASSERT(*lowest >= 0 && *highest < cosines.count / shape.half, "every position is inside the table");
  const Angles angles{at.data(), cosines.as<float>().data(), sines.as<float>().data(), sign};
  with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(rows, 16, [&](std::int64_t begin, std::int64_t end) {
      rotate(static_cast<T*>(x.data), shape, angles, begin, end);
    });
  });
}

}  // namespace pst::kernels
