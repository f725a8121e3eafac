// SPDX-License-Identifier: Apache-2.0
#include "kernels/lion/lion.hpp"

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using Factors = cuda::LionFactors;

PST_CLONES void range(Factors f, float* value, const float* gradient, float* momentum, std::int64_t begin,
                      std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const float g = gradient[i] * f.gradient, m = momentum[i];
    const float direction = m * f.beta1 + g * f.rest1;
    const float step = direction > 0.0f ? f.lr : direction < 0.0f ? -f.lr : 0.0f;
    momentum[i] = m * f.beta2 + g * f.rest2;
    value[i] = value[i] * f.decay - step;
  }
}

}  // namespace

void lion(const Exec& on, const Lion& s, View value, ConstView gradient, View momentum) {
  detail::require_on(on, "lion", {value, gradient, momentum});
  PST_ASSERT(gradient.count == value.count && momentum.count == value.count,
             "value, gradient and momentum have one size");
  for (const ConstView& array : {ConstView(value), gradient, ConstView(momentum)})
    PST_ASSERT(array.dtype == Dtype::f32, "value, gradient and momentum are f32");
  const Factors f{.gradient = static_cast<float>(s.gradient_factor),
                  .decay = static_cast<float>(1 - s.lr * s.weight_decay),
                  .beta1 = static_cast<float>(s.beta1),
                  .rest1 = static_cast<float>(1 - s.beta1),
                  .beta2 = static_cast<float>(s.beta2),
                  .rest2 = static_cast<float>(1 - s.beta2),
                  .lr = static_cast<float>(s.lr)};
  switch (on.device.kind) {
    case DeviceKind::cuda: return detail::on_cuda(on, "lion", &CudaTable::lion, f, value, gradient, momentum);
    case DeviceKind::cpu: break;
  }
  on.parallel_for(value.count, 16384, [&](std::int64_t begin, std::int64_t end) {
    range(f, value.as<float>().data(), gradient.as<float>().data(), momentum.as<float>().data(), begin, end);
  });
}

}  // namespace pst::kernels
