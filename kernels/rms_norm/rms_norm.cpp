// SPDX-License-Identifier: Apache-2.0
#include "kernels/rms_norm/rms_norm.hpp"

#include <cmath>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using namespace detail;

template <class T>
PST_INLINE void forward_rows(const T* x, const T* residual, const float* weight, float eps, T* sum, T* y, float* rstd,
                             std::int64_t width, std::int64_t begin, std::int64_t end) {
  for (std::int64_t row = begin; row < end; ++row) {
    const T* s = x + row * width;
    if (residual != nullptr) {
      T* const out = sum + row * width;
      for (std::int64_t i = 0; i < width; ++i) store(out, i, load(s, i) + load(residual + row * width, i));
      s = out;
    }
    float lanes[kLanes] = {};
    std::int64_t i = 0;
    for (; i + kLanes <= width; i += kLanes)
      for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] += load(s, i + l) * load(s, i + l);
    for (; i < width; ++i) lanes[0] += load(s, i) * load(s, i);
    const float scale = 1.0f / std::sqrt(sum_lanes(lanes) / static_cast<float>(width) + eps);
    rstd[row] = scale;
    T* const out = y + row * width;
    for (std::int64_t j = 0; j < width; ++j) store(out, j, weight[j] * (load(s, j) * scale));
  }
}

template <class T>
PST_INLINE void backward_rows(const T* dy, const T* dsum, const T* sum, const float* weight, const float* rstd, T* dx,
                              std::int64_t width, std::int64_t begin, std::int64_t end) {
  for (std::int64_t row = begin; row < end; ++row) {
    const T* const g = dy + row * width;
    const T* const s = sum + row * width;
    T* const out = dx + row * width;
    float lanes[kLanes] = {};
    std::int64_t i = 0;
    for (; i + kLanes <= width; i += kLanes)
      for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] += weight[i + l] * load(g, i + l) * load(s, i + l);
    for (; i < width; ++i) lanes[0] += weight[i] * load(g, i) * load(s, i);
    const float r = rstd[row];
    const float shared = sum_lanes(lanes) / static_cast<float>(width) * r * r;
    if (dsum != nullptr) {
      const T* const more = dsum + row * width;
      for (std::int64_t j = 0; j < width; ++j)
        store(out, j, load(more, j) + r * (weight[j] * load(g, j) - load(s, j) * shared));
    } else {
      for (std::int64_t j = 0; j < width; ++j) store(out, j, r * (weight[j] * load(g, j) - load(s, j) * shared));
    }
  }
}

PST_CLONES void forward(const float* x, const float* residual, const float* weight, float eps, float* sum, float* y,
                        float* rstd, std::int64_t width, std::int64_t begin, std::int64_t end) {
  forward_rows(x, residual, weight, eps, sum, y, rstd, width, begin, end);
}
PST_CLONES void forward(const bf16* x, const bf16* residual, const float* weight, float eps, bf16* sum, bf16* y,
                        float* rstd, std::int64_t width, std::int64_t begin, std::int64_t end) {
  forward_rows(x, residual, weight, eps, sum, y, rstd, width, begin, end);
}
PST_CLONES void backward(const float* dy, const float* dsum, const float* sum, const float* weight, const float* rstd,
                         float* dx, std::int64_t width, std::int64_t begin, std::int64_t end) {
  backward_rows(dy, dsum, sum, weight, rstd, dx, width, begin, end);
}
PST_CLONES void backward(const bf16* dy, const bf16* dsum, const bf16* sum, const float* weight, const float* rstd,
                         bf16* dx, std::int64_t width, std::int64_t begin, std::int64_t end) {
  backward_rows(dy, dsum, sum, weight, rstd, dx, width, begin, end);
}

constexpr std::int64_t kGrainRows = 16;

/// @return rows
std::int64_t check(ConstView x, ConstView weight, ConstView rstd) {
  require_float(x.dtype, "rms_norm");
  PST_ASSERT(weight.count > 0 && x.count % weight.count == 0, "rows are as wide as the weight");
  PST_ASSERT(weight.dtype == Dtype::f32, "weights are f32");
  PST_ASSERT(rstd.dtype == Dtype::f32 && rstd.count == x.count / weight.count, "one reciprocal deviation per row");
  return x.count / weight.count;
}

}  // namespace

void rms_norm(const Exec& on, ConstView x, ConstView residual, ConstView weight, double eps, View sum, View y,
              View rstd) {
  require_on(on, "rms_norm", {x, residual, weight, sum, y, rstd});
  const std::int64_t rows = check(x, weight, rstd);
  const bool adds = residual.data != nullptr;
  PST_ASSERT(y.count == x.count && y.dtype == x.dtype, "the output is like the input");
  PST_ASSERT(
      !adds || (residual.count == x.count && residual.dtype == x.dtype && sum.count == x.count && sum.dtype == x.dtype),
      "residual and sum are like the input");
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "rms_norm", &CudaTable::rms_norm, x, residual, weight, static_cast<float>(eps), sum, y, rstd);
    case DeviceKind::cpu: break;
  }
  with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(rows, kGrainRows, [&](std::int64_t begin, std::int64_t end) {
      forward(static_cast<const T*>(x.data), static_cast<const T*>(residual.data),
              static_cast<const float*>(weight.data), static_cast<float>(eps), static_cast<T*>(sum.data),
              static_cast<T*>(y.data), static_cast<float*>(rstd.data), weight.count, begin, end);
    });
  });
}

void rms_norm_backward(const Exec& on, ConstView dy, ConstView dsum, ConstView sum, ConstView weight, ConstView rstd,
                       View dx) {
  require_on(on, "rms_norm_backward", {dy, dsum, sum, weight, rstd, dx});
  const std::int64_t rows = check(sum, weight, rstd);
  PST_ASSERT(dy.count == sum.count && dy.dtype == sum.dtype && dx.count == sum.count && dx.dtype == sum.dtype,
             "gradients are like the input");
  PST_ASSERT(dsum.data == nullptr || (dsum.count == sum.count && dsum.dtype == sum.dtype),
             "gradients are like the input");
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "rms_norm_backward", &CudaTable::rms_norm_backward, dy, dsum, sum, weight, rstd, dx);
    case DeviceKind::cpu: break;
  }
  with_float(sum.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(rows, kGrainRows, [&](std::int64_t begin, std::int64_t end) {
      backward(static_cast<const T*>(dy.data), static_cast<const T*>(dsum.data), static_cast<const T*>(sum.data),
               static_cast<const float*>(weight.data), static_cast<const float*>(rstd.data), static_cast<T*>(dx.data),
               weight.count, begin, end);
    });
  });
}

}  // namespace pst::kernels
