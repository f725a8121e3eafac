// SPDX-License-Identifier: Apache-2.0
#include "kernels/adamw/adamw.hpp"

#include <cmath>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using Factors = cuda::AdamWFactors;

PST_CLONES void range(Factors f, float* value, const float* gradient, float* moment1, float* moment2,
                      std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const float g = gradient[i] * f.gradient;
    const float m = moment1[i] + (g - moment1[i]) * f.rest1;
    const float v = moment2[i] * f.beta2 + g * g * f.rest2;
    moment1[i] = m;
    moment2[i] = v;
    value[i] = value[i] * f.decay - f.step_size * (m / (std::sqrt(v) * f.root_correction + f.eps));
  }
}

}  // namespace

void adamw(const Exec& on, const AdamW& s, View value, ConstView gradient, View moment1, View moment2) {
  detail::require_on(on, "adamw", {value, gradient, moment1, moment2});
  PST_ASSERT(gradient.count == value.count && moment1.count == value.count && moment2.count == value.count,
             "value, gradient and moments have one size");
  for (const ConstView& array : {ConstView(value), gradient, ConstView(moment1), ConstView(moment2)})
    PST_ASSERT(array.dtype == Dtype::f32, "value, gradient and moments are f32");
  PST_ASSERT(s.step >= 1, "steps count from 1");
  const double correction1 = 1 - std::pow(s.beta1, static_cast<double>(s.step));
  const double correction2 = 1 - std::pow(s.beta2, static_cast<double>(s.step));
  const Factors f{.gradient = static_cast<float>(s.gradient_factor),
                  .decay = static_cast<float>(1 - s.lr * s.weight_decay),
                  .rest1 = static_cast<float>(1 - s.beta1),  // in double: 1 - 0.999f is 2e-5 off
                  .beta2 = static_cast<float>(s.beta2),
                  .rest2 = static_cast<float>(1 - s.beta2),
                  .step_size = static_cast<float>(s.lr / correction1),
                  .root_correction = static_cast<float>(1 / std::sqrt(correction2)),
                  .eps = static_cast<float>(s.eps)};
  switch (on.device.kind) {
    case DeviceKind::cuda: return detail::on_cuda(on, "adamw", &CudaTable::adamw, f, value, gradient, moment1, moment2);
    case DeviceKind::cpu: break;
  }
  on.parallel_for(value.count, 16384, [&](std::int64_t begin, std::int64_t end) {
    range(f, value.as<float>().data(), gradient.as<float>().data(), moment1.as<float>().data(),
          moment2.as<float>().data(), begin, end);
  });
}

}  // namespace pst::kernels
