// SPDX-License-Identifier: Apache-2.0
#include "kernels/cross_entropy/cross_entropy.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using namespace detail;

struct Terms {
  bool with_gradient;
  float scale, smoothing;
};

template <class T>
PST_INLINE float mean_of(const T* z, std::int64_t classes) {
  double sum[kLanes] = {};  // the sum may be of many values that are far from its mean
  const std::int64_t whole = classes - classes % kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes)
    for (std::int64_t l = 0; l < kLanes; ++l) sum[l] += static_cast<double>(load(z, i + l));
  for (std::int64_t i = whole; i < classes; ++i) sum[0] += static_cast<double>(load(z, i));
  double all = 0;
  for (std::int64_t l = 0; l < kLanes; ++l) all += sum[l];
  return static_cast<float>(all / static_cast<double>(classes));
}

template <class T>
PST_INLINE void rows_of(T* logits, const std::int64_t* targets, float* loss, const Terms& terms, std::int64_t classes,
                        std::int64_t begin, std::int64_t end) {
  const float scale = terms.scale, smoothing = terms.smoothing;
  for (std::int64_t row = begin; row < end; ++row) {
    T* const z = logits + row * classes;
    const std::int64_t whole = classes - classes % kLanes;
    float top[kLanes], sum[kLanes] = {};
    for (std::int64_t l = 0; l < kLanes; ++l) top[l] = load(z, 0);
    for (std::int64_t i = 0; i < whole; i += kLanes)
      for (std::int64_t l = 0; l < kLanes; ++l) top[l] = top[l] < load(z, i + l) ? load(z, i + l) : top[l];
    for (std::int64_t i = whole; i < classes; ++i) top[0] = top[0] < load(z, i) ? load(z, i) : top[0];
    float highest = top[0];
    for (std::int64_t l = 1; l < kLanes; ++l) highest = highest < top[l] ? top[l] : highest;

    // Lanes of f32 hold at most classes/16 terms of at most 1 each: 2^-24 * 16384 relative error at 262,144 classes.
    for (std::int64_t i = 0; i < whole; i += kLanes)
      for (std::int64_t l = 0; l < kLanes; ++l) sum[l] += exp_approx(load(z, i + l) - highest);
    for (std::int64_t i = whole; i < classes; ++i) sum[0] += exp_approx(load(z, i) - highest);
    const float total = sum_lanes(sum);
    const std::int64_t target = targets[row];
    loss[row] = std::log(total) + highest - load(z, target);
    if (smoothing > 0) loss[row] += smoothing * (load(z, target) - mean_of(z, classes));
    if (!terms.with_gradient) continue;
    const float factor = scale / total;
    const float spread = scale * smoothing / static_cast<float>(classes);
    const float at_target = exp_approx(load(z, target) - highest) * factor - (scale * (1 - smoothing) + spread);
    for (std::int64_t i = 0; i < classes; ++i) store(z, i, exp_approx(load(z, i) - highest) * factor - spread);
    store(z, target, at_target);
  }
}

PST_CLONES void work(float* logits, const std::int64_t* targets, float* loss, const Terms& terms, std::int64_t classes,
                     std::int64_t begin, std::int64_t end) {
  rows_of(logits, targets, loss, terms, classes, begin, end);
}
PST_CLONES void work(bf16* logits, const std::int64_t* targets, float* loss, const Terms& terms, std::int64_t classes,
                     std::int64_t begin, std::int64_t end) {
  rows_of(logits, targets, loss, terms, classes, begin, end);
}

}  // namespace

void cross_entropy(const Exec& on, View logits, ConstView targets, View loss, Gradient gradient, double scale,
                   double smoothing) {
  require_on(on, "cross_entropy", {logits, targets, loss});
  require_float(logits.dtype, "cross_entropy");
  const std::int64_t rows = targets.count;
  if (rows == 0) return;
  PST_ASSERT(logits.count % rows == 0 && loss.count == rows, "one target and one loss per row of logits");
  const std::int64_t classes = logits.count / rows;
  PST_ASSERT(classes > 0 && targets.dtype == Dtype::i64 && loss.dtype == Dtype::f32, "targets are i64, losses f32");
  PST_ASSERT(smoothing >= 0 && smoothing < 1, "the recipe bounds the smoothing");
  const Terms terms{.with_gradient = gradient == Gradient::in_place,
                    .scale = static_cast<float>(scale),
                    .smoothing = static_cast<float>(smoothing)};
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "cross_entropy", &CudaTable::cross_entropy, logits, targets, loss, int{terms.with_gradient},
                     terms.scale, terms.smoothing);
    case DeviceKind::cpu: break;
  }
  const auto wanted = targets.as<std::int64_t>();
  PST_ASSERT(std::all_of(wanted.begin(), wanted.end(), [&](std::int64_t t) { return t >= 0 && t < classes; }),
             "every target is a class");
  with_float(logits.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(rows, 1, [&](std::int64_t begin, std::int64_t end) {
      work(static_cast<T*>(logits.data), wanted.data(), loss.as<float>().data(), terms, classes, begin, end);
    });
  });
}

}  // namespace pst::kernels
