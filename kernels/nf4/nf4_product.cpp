// SPDX-License-Identifier: Apache-2.0
#include "kernels/nf4/nf4_product.hpp"

#include <vector>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"
#include "kernels/nf4/nf4.hpp"

namespace pst::kernels {

using namespace detail;

namespace {

template <class T>
PST_INLINE float dot_of(const T* x, const float* w, std::int64_t count) {
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] += load(x, i + l) * w[i + l];
  for (; i < count; ++i) lanes[i % kLanes] += load(x, i) * w[i];
  return sum_lanes(lanes);
}
PST_CLONES float dot(const float* x, const float* w, std::int64_t count) { return dot_of(x, w, count); }
PST_CLONES float dot(const bf16* x, const float* w, std::int64_t count) { return dot_of(x, w, count); }

}  // namespace

void nf4_product(const Exec& on, ConstView x, ConstView packed, ConstView absmax, std::int64_t block, std::int64_t rows,
                 View out) {
  require_on(on, "nf4_product", {x, packed, absmax, out});
  require_float(x.dtype, "nf4_product");
  PST_ASSERT(rows > 0 && out.count % rows == 0 && out.dtype == x.dtype, "the output is [n, rows], like x");
  const std::int64_t n = out.count / rows;
  PST_ASSERT(n >= 1 && n <= kNf4ProductRows && x.count % n == 0, "x has few rows");
  const std::int64_t in = x.count / n;
  PST_ASSERT(in % 8 == 0 && block % 8 == 0 && block > 0, "eight codes share a row and a scale");
  PST_ASSERT(packed.dtype == Dtype::u8 && packed.count >= rows * in / 2 && absmax.dtype == Dtype::f32 &&
                 absmax.count >= blocks_of(rows * in, block),
             "codes and scales are W's");
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "nf4_product", &CudaTable::nf4_product, x, packed, absmax, block, rows, out);
    case DeviceKind::cpu: break;
  }
  with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(rows, 16, [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> w(static_cast<std::size_t>(in));
      for (std::int64_t row = begin; row < end; ++row) {
        nf4_dequantise(serial_cpu(), packed, absmax, block, row * in, view_of(std::span(w)));
        for (std::int64_t r = 0; r < n; ++r)
          store(static_cast<T*>(out.data), r * rows + row, dot(static_cast<const T*>(x.data) + r * in, w.data(), in));
      }
    });
  });
}

}  // namespace pst::kernels
