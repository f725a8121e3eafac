// SPDX-License-Identifier: Apache-2.0
#include "kernels/swiglu/swiglu.hpp"

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using namespace detail;

template <class T>
PST_INLINE void forward_range(const T* gate, const T* up, T* out, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const float g = load(gate, i);
    store(out, i, g / (1.0f + exp_approx(-g)) * load(up, i));
  }
}

template <class T>
PST_INLINE void backward_range(const T* dout, const T* gate, const T* up, T* dgate, T* dup, std::int64_t begin,
                               std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const float d = load(dout, i), g = load(gate, i), u = load(up, i);
    const float sigmoid = 1.0f / (1.0f + exp_approx(-g));
    store(dup, i, d * g * sigmoid);
    store(dgate, i, d * u * sigmoid * (1.0f + g * (1.0f - sigmoid)));
  }
}

PST_CLONES void forward(const float* gate, const float* up, float* out, std::int64_t begin, std::int64_t end) {
  forward_range(gate, up, out, begin, end);
}
PST_CLONES void forward(const bf16* gate, const bf16* up, bf16* out, std::int64_t begin, std::int64_t end) {
  forward_range(gate, up, out, begin, end);
}
PST_CLONES void backward(const float* dout, const float* gate, const float* up, float* dgate, float* dup,
                         std::int64_t begin, std::int64_t end) {
  backward_range(dout, gate, up, dgate, dup, begin, end);
}
PST_CLONES void backward(const bf16* dout, const bf16* gate, const bf16* up, bf16* dgate, bf16* dup, std::int64_t begin,
                         std::int64_t end) {
  backward_range(dout, gate, up, dgate, dup, begin, end);
}

constexpr std::int64_t kGrain = 8192;

}  // namespace

void swiglu(const Exec& on, ConstView gate, ConstView up, View out) {
  require_on(on, "swiglu", {gate, up, out});
  require_float(gate.dtype, "swiglu");
  PST_ASSERT(up.count == gate.count && out.count == gate.count, "gate, up and out have one size");
  PST_ASSERT(up.dtype == gate.dtype && out.dtype == gate.dtype, "gate, up and out share a dtype");
  switch (on.device.kind) {
    case DeviceKind::cuda: return on_cuda(on, "swiglu", &CudaTable::swiglu, gate, up, out);
    case DeviceKind::cpu: break;
  }
  with_float(gate.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(gate.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      forward(static_cast<const T*>(gate.data), static_cast<const T*>(up.data), static_cast<T*>(out.data), begin, end);
    });
  });
}

void swiglu_backward(const Exec& on, ConstView dout, ConstView gate, ConstView up, View dgate, View dup) {
  require_on(on, "swiglu_backward", {dout, gate, up, dgate, dup});
  require_float(gate.dtype, "swiglu_backward");
  for (const ConstView& other : {dout, up, ConstView(dgate), ConstView(dup)})
    PST_ASSERT(other.count == gate.count && other.dtype == gate.dtype, "values and gradients are alike");
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "swiglu_backward", &CudaTable::swiglu_backward, dout, gate, up, dgate, dup);
    case DeviceKind::cpu: break;
  }
  with_float(gate.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(gate.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      backward(static_cast<const T*>(dout.data), static_cast<const T*>(gate.data), static_cast<const T*>(up.data),
               static_cast<T*>(dgate.data), static_cast<T*>(dup.data), begin, end);
    });
  });
}

}  // namespace pst::kernels
