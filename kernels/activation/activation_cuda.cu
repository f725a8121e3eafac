// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

#define PST_FORMULA __device__ inline
#include "kernels/activation/formulas.hpp"

// Bound by memory: every value is read and written once, 16 bytes at a time.
namespace pst::cuda {
namespace {

using kernels::Act;
namespace formulas = kernels::formulas;

struct Math {
  __device__ static float exp(float x) { return expf(x); }
};

template <Act kAct, class T>
struct Gated {
  const T *gate, *up;
  T* out;
  float limit;
  template <int V>
  __device__ void at(std::int64_t i) const {
    const Pack<T, V> g = read<V>(gate, i), u = read<V>(up, i);
    Pack<T, V> o;
#pragma unroll
    for (int v = 0; v < V; ++v)
      o.at[v] = narrow<T>(formulas::gated_value<kAct, Math>(widen(g.at[v]), widen(u.at[v]), limit));
    write<V>(out, i, o);
  }
};

template <Act kAct, class T>
struct GatedBackward {
  const T *dout, *gate, *up;
  T *dgate, *dup;
  float limit;
  template <int V>
  __device__ void at(std::int64_t i) const {
    const Pack<T, V> d = read<V>(dout, i), g = read<V>(gate, i), u = read<V>(up, i);
    Pack<T, V> dg, du;
#pragma unroll
    for (int v = 0; v < V; ++v) {
      const auto of = formulas::gated_gradients<kAct, Math>(widen(d.at[v]), widen(g.at[v]), widen(u.at[v]), limit);
      du.at[v] = narrow<T>(of.up);
      dg.at[v] = narrow<T>(of.gate);
    }
    write<V>(dgate, i, dg);
    write<V>(dup, i, du);
  }
};

template <Act kAct, class T>
struct Plain {
  const T* x;
  T* out;
  template <int V>
  __device__ void at(std::int64_t i) const {
    const Pack<T, V> values = read<V>(x, i);
    Pack<T, V> o;
#pragma unroll
    for (int v = 0; v < V; ++v) o.at[v] = narrow<T>(formulas::value<kAct, Math>(widen(values.at[v])));
    write<V>(out, i, o);
  }
};

template <Act kAct, class T>
struct PlainBackward {
  const T *dout, *x;
  T* dx;
  template <int V>
  __device__ void at(std::int64_t i) const {
    const Pack<T, V> d = read<V>(dout, i), values = read<V>(x, i);
    Pack<T, V> o;
#pragma unroll
    for (int v = 0; v < V; ++v) o.at[v] = narrow<T>(widen(d.at[v]) * formulas::slope<kAct, Math>(widen(values.at[v])));
    write<V>(dx, i, o);
  }
};

/// Calls body.operator()<act, type>() for both.
template <class Body>
int with_act_and_float(int act, Dtype dtype, const Body& body) {
  return formulas::with_act(static_cast<Act>(act), [&]<Act kAct>() {
    return with_float(dtype, [&](auto kind) { return body.template operator()<kAct, decltype(kind)>(); });
  });
}

}  // namespace

int gated(Stream stream, int act, ConstView gate, ConstView up, View out, float limit) {
  return with_act_and_float(act, gate.dtype, [&]<Act kAct, class T>() {
    const Gated<kAct, T> work{static_cast<const T*>(gate.data), static_cast<const T*>(up.data),
                              static_cast<T*>(out.data), limit};
    return each<T>(stream, gate.count, fits_vectors<T>(0, work.gate, work.up, work.out), work);
  });
}

int gated_backward(Stream stream, int act, ConstView dout, ConstView gate, ConstView up, View dgate, View dup,
                   float limit) {
  return with_act_and_float(act, gate.dtype, [&]<Act kAct, class T>() {
    const GatedBackward<kAct, T> work{static_cast<const T*>(dout.data), static_cast<const T*>(gate.data),
                                      static_cast<const T*>(up.data),   static_cast<T*>(dgate.data),
                                      static_cast<T*>(dup.data),        limit};
    return each<T>(stream, gate.count, fits_vectors<T>(0, work.dout, work.gate, work.up, work.dgate, work.dup), work);
  });
}

int activate(Stream stream, int act, ConstView x, View out) {
  return with_act_and_float(act, x.dtype, [&]<Act kAct, class T>() {
    const Plain<kAct, T> work{static_cast<const T*>(x.data), static_cast<T*>(out.data)};
    return each<T>(stream, x.count, fits_vectors<T>(0, work.x, work.out), work);
  });
}

int activate_backward(Stream stream, int act, ConstView dout, ConstView x, View dx) {
  return with_act_and_float(act, x.dtype, [&]<Act kAct, class T>() {
    const PlainBackward<kAct, T> work{static_cast<const T*>(dout.data), static_cast<const T*>(x.data),
                                      static_cast<T*>(dx.data)};
    return each<T>(stream, x.count, fits_vectors<T>(0, work.dout, work.x, work.dx), work);
  });
}

}  // namespace pst::cuda
