// SPDX-License-Identifier: Apache-2.0
#include "kernels/sgd/sgd.hpp"

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using Factors = cuda::SgdFactors;

PST_CLONES void range(Factors f, float* value, const float* gradient, float* momentum, std::int64_t begin,
                      std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const float g = gradient[i] * f.gradient + value[i] * f.decay;
    const float m = momentum[i] * f.momentum + g;
    momentum[i] = m;
    value[i] = value[i] - f.lr * (f.ahead * g + f.along * m);
  }
}

}  // namespace

void sgd(const Exec& on, const Sgd& s, View value, ConstView gradient, View momentum) {
  detail::require_on(on, "sgd", {value, gradient, momentum});
  PST_ASSERT(gradient.count == value.count && momentum.count == value.count,
             "value, gradient and momentum have one size");
  for (const ConstView& array : {ConstView(value), gradient, ConstView(momentum)})
    PST_ASSERT(array.dtype == Dtype::f32, "value, gradient and momentum are f32");
  const Factors f{.gradient = static_cast<float>(s.gradient_factor),
                  .decay = static_cast<float>(s.weight_decay),
                  .momentum = static_cast<float>(s.momentum),
                  .lr = static_cast<float>(s.lr),
                  .ahead = s.nesterov ? 1.0f : 0.0f,
                  .along = s.nesterov ? static_cast<float>(s.momentum) : 1.0f};
  switch (on.device.kind) {
    case DeviceKind::cuda: return detail::on_cuda(on, "sgd", &CudaTable::sgd, f, value, gradient, momentum);
    case DeviceKind::cpu: break;
  }
  on.parallel_for(value.count, 16384, [&](std::int64_t begin, std::int64_t end) {
    range(f, value.as<float>().data(), gradient.as<float>().data(), momentum.as<float>().data(), begin, end);
  });
}

}  // namespace pst::kernels
