// SPDX-License-Identifier: Apache-2.0
#include "kernels/schedule_free/schedule_free.hpp"

#include <cmath>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using Factors = cuda::ScheduleFreeFactors;

PST_CLONES void range(Factors f, float* value, const float* gradient, float* z, float* moment2, float* x,
                      std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const float g = gradient[i] * f.gradient;
    const float v = moment2[i] * f.beta2 + g * g * f.rest2;
    const float d = g / (std::sqrt(v) * f.root_correction + f.eps) + value[i] * f.decay;
    const float point = (f.start ? value[i] : z[i]) - f.lr * d, before = f.start ? value[i] : x[i];
    const float average = before + f.average * (point - before);
    moment2[i] = v;
    z[i] = point;
    x[i] = average;
    value[i] = point + f.beta1 * (average - point);
  }
}

}  // namespace

void schedule_free(const Exec& on, const ScheduleFree& s, View value, ConstView gradient, View z, View moment2,
                   View x) {
  detail::require_on(on, "schedule_free", {value, gradient, z, moment2, x});
  for (const ConstView& array : {ConstView(value), gradient, ConstView(z), ConstView(moment2), ConstView(x)})
    PST_ASSERT(array.dtype == Dtype::f32 && array.count == value.count, "all arrays are f32 and have one size");
  PST_ASSERT(s.step >= 1, "steps count from 1");
  const Factors f{
      .gradient = static_cast<float>(s.gradient_factor),
      .decay = static_cast<float>(s.weight_decay),
      .beta1 = static_cast<float>(s.beta1),
      .beta2 = static_cast<float>(s.beta2),
      .rest2 = static_cast<float>(1 - s.beta2),
      .root_correction = static_cast<float>(1 / std::sqrt(1 - std::pow(s.beta2, static_cast<double>(s.step)))),
      .eps = static_cast<float>(s.eps),
      .lr = static_cast<float>(s.lr),
      .average = static_cast<float>(s.average_weight),
      .start = s.step == 1};
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return detail::on_cuda(on, "schedule_free", &CudaTable::schedule_free, f, value, gradient, z, moment2, x);
    case DeviceKind::cpu: break;
  }
  on.parallel_for(value.count, 16384, [&](std::int64_t begin, std::int64_t end) {
    range(f, value.as<float>().data(), gradient.as<float>().data(), z.as<float>().data(), moment2.as<float>().data(),
          x.as<float>().data(), begin, end);
  });
}

}  // namespace pst::kernels
