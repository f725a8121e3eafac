// SPDX-License-Identifier: Apache-2.0
#include "kernels/activation/activation.hpp"

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

#define PST_FORMULA PST_INLINE
#include "kernels/activation/formulas.hpp"

namespace pst::kernels {
namespace {

using namespace detail;

struct Math {
  PST_INLINE static float exp(float x) { return exp_approx(x); }
};

template <Act kAct, class T>
PST_INLINE void gated_range(const T* gate, const T* up, T* out, float limit, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i)
    store(out, i, formulas::gated_value<kAct, Math>(load(gate, i), load(up, i), limit));
}
template <Act kAct, class T>
PST_INLINE void gated_backward_range(const T* dout, const T* gate, const T* up, T* dgate, T* dup, float limit,
                                     std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const auto of = formulas::gated_gradients<kAct, Math>(load(dout, i), load(gate, i), load(up, i), limit);
    store(dup, i, of.up);
    store(dgate, i, of.gate);
  }
}
template <Act kAct, class T>
PST_INLINE void plain_range(const T* x, T* out, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) store(out, i, formulas::value<kAct, Math>(load(x, i)));
}
template <Act kAct, class T>
PST_INLINE void plain_backward_range(const T* dout, const T* x, T* dx, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) store(dx, i, load(dout, i) * formulas::slope<kAct, Math>(load(x, i)));
}

// A loop for each activation, compiled for several instruction sets: the choice is made outside of them.
#define PST_FOR_ACT(act, call)                        \
  switch (act) {                                      \
    case Act::silu: return call(Act::silu);           \
    case Act::gelu_tanh: return call(Act::gelu_tanh); \
    case Act::gelu: return call(Act::gelu);           \
    case Act::relu: return call(Act::relu);           \
    case Act::relu2: return call(Act::relu2);         \
    case Act::clamped: return call(Act::clamped);     \
  }
#define PST_GATED(kind) gated_range<kind>(gate, up, out, limit, begin, end)
#define PST_GATED_BACKWARD(kind) gated_backward_range<kind>(dout, gate, up, dgate, dup, limit, begin, end)
#define PST_PLAIN(kind) plain_range<kind>(x, out, begin, end)
#define PST_PLAIN_BACKWARD(kind) plain_backward_range<kind>(dout, x, dx, begin, end)

#define PST_LOOPS(T)                                                                                              \
  PST_CLONES void gated_loop(Act act, const T* gate, const T* up, T* out, float limit, std::int64_t begin,        \
                             std::int64_t end){PST_FOR_ACT(act, PST_GATED)} PST_CLONES void                       \
  gated_backward_loop(Act act, const T* dout, const T* gate, const T* up, T* dgate, T* dup, float limit,          \
                      std::int64_t begin, std::int64_t end){PST_FOR_ACT(act, PST_GATED_BACKWARD)} PST_CLONES void \
  plain_loop(Act act, const T* x, T* out, std::int64_t begin,                                                     \
             std::int64_t end){PST_FOR_ACT(act, PST_PLAIN)} PST_CLONES void                                       \
  plain_backward_loop(Act act, const T* dout, const T* x, T* dx, std::int64_t begin, std::int64_t end) {          \
    PST_FOR_ACT(act, PST_PLAIN_BACKWARD)                                                                          \
  }
PST_LOOPS(float)
PST_LOOPS(bf16)

constexpr std::int64_t kGrain = 8192;

}  // namespace

void gated(const Exec& on, Act act, ConstView gate, ConstView up, View out, double limit) {
  require_on(on, "gated", {gate, up, out});
  require_float(gate.dtype, "gated");
  PST_ASSERT(up.count == gate.count && out.count == gate.count, "gate, up and out have one size");
  PST_ASSERT(up.dtype == gate.dtype && out.dtype == gate.dtype, "gate, up and out share a dtype");
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "gated", &CudaTable::gated, static_cast<int>(act), gate, up, out, static_cast<float>(limit));
    case DeviceKind::cpu: break;
  }
  with_float(gate.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(gate.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      gated_loop(act, static_cast<const T*>(gate.data), static_cast<const T*>(up.data), static_cast<T*>(out.data),
                 static_cast<float>(limit), begin, end);
    });
  });
}

void gated_backward(const Exec& on, Act act, ConstView dout, ConstView gate, ConstView up, View dgate, View dup,
                    double limit) {
  require_on(on, "gated_backward", {dout, gate, up, dgate, dup});
  require_float(gate.dtype, "gated_backward");
  for (const ConstView& other : {dout, up, ConstView(dgate), ConstView(dup)})
    PST_ASSERT(other.count == gate.count && other.dtype == gate.dtype, "values and gradients are alike");
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "gated_backward", &CudaTable::gated_backward, static_cast<int>(act), dout, gate, up, dgate,
                     dup, static_cast<float>(limit));
    case DeviceKind::cpu: break;
  }
  with_float(gate.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(gate.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      gated_backward_loop(act, static_cast<const T*>(dout.data), static_cast<const T*>(gate.data),
                          static_cast<const T*>(up.data), static_cast<T*>(dgate.data), static_cast<T*>(dup.data),
                          static_cast<float>(limit), begin, end);
    });
  });
}

void activate(const Exec& on, Act act, ConstView x, View out) {
  require_on(on, "activate", {x, out});
  require_float(x.dtype, "activate");
  PST_ASSERT(act != Act::clamped, "this activation needs a gate");
  PST_ASSERT(out.count == x.count && out.dtype == x.dtype, "the output is like the input");
  switch (on.device.kind) {
    case DeviceKind::cuda: return on_cuda(on, "activate", &CudaTable::activate, static_cast<int>(act), x, out);
    case DeviceKind::cpu: break;
  }
  with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(x.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      plain_loop(act, static_cast<const T*>(x.data), static_cast<T*>(out.data), begin, end);
    });
  });
}

void activate_backward(const Exec& on, Act act, ConstView dout, ConstView x, View dx) {
  require_on(on, "activate_backward", {dout, x, dx});
  require_float(x.dtype, "activate_backward");
  PST_ASSERT(act != Act::clamped, "this activation needs a gate");
  PST_ASSERT(dout.count == x.count && dx.count == x.count && dout.dtype == x.dtype && dx.dtype == x.dtype,
             "values and gradients are alike");
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return on_cuda(on, "activate_backward", &CudaTable::activate_backward, static_cast<int>(act), dout, x, dx);
    case DeviceKind::cpu: break;
  }
  with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(x.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      plain_backward_loop(act, static_cast<const T*>(dout.data), static_cast<const T*>(x.data),
                          static_cast<T*>(dx.data), begin, end);
    });
  });
}

}  // namespace pst::kernels
