// SPDX-License-Identifier: Apache-2.0
#include "kernels/layer_norm/layer_norm.hpp"

#include <cmath>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using namespace detail;

/// Sum over i of term(i), by lanes, in an order of its own whatever the vector width.
template <class Term>
PST_INLINE float sum_of(std::int64_t width, const Term& term) {
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes)
    for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] += term(i + l);
  for (; i < width; ++i) lanes[0] += term(i);
  return sum_lanes(lanes);
}

template <class T>
struct Forward {
  const T *x, *residual;
  const float *weight, *bias;
  std::int64_t weights, width;
  float eps;
  T *sum, *y;
  float* statistics;
};

template <class T>
struct Backward {
  const T *dy, *dsum, *sum;
  const float* weight;
  std::int64_t weights, width;
  const float* statistics;
  T* dx;
};

template <class T>
PST_INLINE void forward_rows(const Forward<T>& at, std::int64_t begin, std::int64_t end) {
  const float count = static_cast<float>(at.width);
  for (std::int64_t row = begin; row < end; ++row) {
    const T* s = at.x + row * at.width;
    if (at.residual != nullptr) {
      T* const out = at.sum + row * at.width;
      for (std::int64_t i = 0; i < at.width; ++i) store(out, i, load(s, i) + load(at.residual + row * at.width, i));
      s = out;
    }
    const float mean = sum_of(at.width, [&](std::int64_t i) { return load(s, i); }) / count;
    const float variance =
        sum_of(at.width, [&](std::int64_t i) { return (load(s, i) - mean) * (load(s, i) - mean); }) / count;
    const float rstd = 1.0f / std::sqrt(variance + at.eps);
    at.statistics[2 * row] = mean;
    at.statistics[2 * row + 1] = rstd;
    const float* const w = at.weight + row % at.weights * at.width;
    T* const out = at.y + row * at.width;
    if (at.bias != nullptr) {
      const float* const b = at.bias + row % at.weights * at.width;
      for (std::int64_t i = 0; i < at.width; ++i) store(out, i, w[i] * ((load(s, i) - mean) * rstd) + b[i]);
    } else {
      for (std::int64_t i = 0; i < at.width; ++i) store(out, i, w[i] * ((load(s, i) - mean) * rstd));
    }
  }
}

template <class T>
PST_INLINE void backward_rows(const Backward<T>& at, std::int64_t begin, std::int64_t end) {
  const float count = static_cast<float>(at.width);
  for (std::int64_t row = begin; row < end; ++row) {
    const T* const g = at.dy + row * at.width;
    const T* const s = at.sum + row * at.width;
    const float* const w = at.weight + row % at.weights * at.width;
    const float mean = at.statistics[2 * row], rstd = at.statistics[2 * row + 1];
    const float along = sum_of(at.width, [&](std::int64_t i) { return w[i] * load(g, i); }) / count;
    const float turned =
        sum_of(at.width, [&](std::int64_t i) { return w[i] * load(g, i) * ((load(s, i) - mean) * rstd); }) / count;
    T* const out = at.dx + row * at.width;
    const T* const more = at.dsum != nullptr ? at.dsum + row * at.width : nullptr;
    for (std::int64_t i = 0; i < at.width; ++i) {
      const float slope = rstd * (w[i] * load(g, i) - along - (load(s, i) - mean) * rstd * turned);
      store(out, i, more != nullptr ? load(more, i) + slope : slope);
    }
  }
}

PST_CLONES void forward(const Forward<float>& at, std::int64_t begin, std::int64_t end) {
  forward_rows(at, begin, end);
}
PST_CLONES void forward(const Forward<bf16>& at, std::int64_t begin, std::int64_t end) { forward_rows(at, begin, end); }
PST_CLONES void backward(const Backward<float>& at, std::int64_t begin, std::int64_t end) {
  backward_rows(at, begin, end);
}
PST_CLONES void backward(const Backward<bf16>& at, std::int64_t begin, std::int64_t end) {
  backward_rows(at, begin, end);
}

constexpr std::int64_t kGrainRows = 16;

/// @return rows
std::int64_t check(ConstView x, ConstView weight, std::int64_t width, ConstView statistics) {
  require_float(x.dtype, "layer_norm");
  PST_ASSERT(width > 0 && x.count % width == 0, "rows have one width");
  PST_ASSERT(weight.dtype == Dtype::f32 && weight.count > 0 && weight.count % width == 0, "weights are f32 [k, width]");
  PST_ASSERT(statistics.dtype == Dtype::f32 && statistics.count == 2 * (x.count / width), "two statistics per row");
  return x.count / width;
}

}  // namespace

void layer_norm(const Exec& on, ConstView x, ConstView residual, ConstView weight, ConstView bias, std::int64_t width,
                double eps, View sum, View y, View statistics) {
  require_on(on, "layer_norm", {x, residual, weight, bias, sum, y, statistics});
  const std::int64_t rows = check(x, weight, width, statistics);
  PST_ASSERT(y.count == x.count && y.dtype == x.dtype, "the output is like the input");
  PST_ASSERT(bias.data == nullptr || (bias.count == weight.count && bias.dtype == Dtype::f32),
             "the bias is like the weight");
  PST_ASSERT(residual.data == nullptr || (residual.count == x.count && residual.dtype == x.dtype &&
                                          sum.count == x.count && sum.dtype == x.dtype),
             "residual and sum are like the input");
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "layer_norm", &CudaTable::layer_norm, x, residual, weight, bias, width,
                     static_cast<float>(eps), sum, y, statistics);
    case DeviceKind::cpu: break;
  }
  with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    const Forward<T> work{static_cast<const T*>(x.data),
                          static_cast<const T*>(residual.data),
                          static_cast<const float*>(weight.data),
                          static_cast<const float*>(bias.data),
                          weight.count / width,
                          width,
                          static_cast<float>(eps),
                          static_cast<T*>(sum.data),
                          static_cast<T*>(y.data),
                          static_cast<float*>(statistics.data)};
    on.parallel_for(rows, kGrainRows, [&](std::int64_t begin, std::int64_t end) { forward(work, begin, end); });
  });
}

void layer_norm_backward(const Exec& on, ConstView dy, ConstView dsum, ConstView sum, ConstView weight,
                         std::int64_t width, ConstView statistics, View dx) {
  require_on(on, "layer_norm_backward", {dy, dsum, sum, weight, statistics, dx});
  const std::int64_t rows = check(sum, weight, width, statistics);
  PST_ASSERT(dy.count == sum.count && dy.dtype == sum.dtype && dx.count == sum.count && dx.dtype == sum.dtype,
             "gradients are like the input");
  PST_ASSERT(dsum.data == nullptr || (dsum.count == sum.count && dsum.dtype == sum.dtype),
             "gradients are like the input");
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "layer_norm_backward", &CudaTable::layer_norm_backward, dy, dsum, sum, weight, width,
                     statistics, dx);
    case DeviceKind::cpu: break;
  }
  with_float(sum.dtype, [&](auto kind) {
    using T = decltype(kind);
    const Backward<T> work{static_cast<const T*>(dy.data),
                           static_cast<const T*>(dsum.data),
                           static_cast<const T*>(sum.data),
                           static_cast<const float*>(weight.data),
                           weight.count / width,
                           width,
                           static_cast<const float*>(statistics.data),
                           static_cast<T*>(dx.data)};
    on.parallel_for(rows, kGrainRows, [&](std::int64_t begin, std::int64_t end) { backward(work, begin, end); });
  });
}

}  // namespace pst::kernels
