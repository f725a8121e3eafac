// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

// Bound by memory: every value is read and written once, 16 bytes at a time.
namespace pst::cuda {
namespace {

template <class T>
struct Forward {
  const T *gate, *up;
  T* out;
  template <int V>
  __device__ void at(std::int64_t i) const {
    const Pack<T, V> g = read<V>(gate, i), u = read<V>(up, i);
    Pack<T, V> o;
#pragma unroll
    for (int v = 0; v < V; ++v) {
      const float x = widen(g.at[v]);
      o.at[v] = narrow<T>(x / (1.0f + expf(-x)) * widen(u.at[v]));
    }
    write<V>(out, i, o);
  }
};

template <class T>
struct Backward {
  const T *dout, *gate, *up;
  T *dgate, *dup;
  template <int V>
  __device__ void at(std::int64_t i) const {
    const Pack<T, V> d = read<V>(dout, i), g = read<V>(gate, i), u = read<V>(up, i);
    Pack<T, V> dg, du;
#pragma unroll
    for (int v = 0; v < V; ++v) {
      const float slope = widen(d.at[v]), x = widen(g.at[v]);
      const float sigmoid = 1.0f / (1.0f + expf(-x));
      du.at[v] = narrow<T>(slope * x * sigmoid);
      dg.at[v] = narrow<T>(slope * widen(u.at[v]) * sigmoid * (1.0f + x * (1.0f - sigmoid)));
    }
    write<V>(dgate, i, dg);
    write<V>(dup, i, du);
  }
};

}  // namespace

int swiglu(Stream stream, ConstView gate, ConstView up, View out) {
  return with_float(gate.dtype, [&](auto kind) {
    using T = decltype(kind);
    const Forward<T> work{static_cast<const T*>(gate.data), static_cast<const T*>(up.data), static_cast<T*>(out.data)};
    return each<T>(stream, gate.count, fits_vectors<T>(0, work.gate, work.up, work.out), work);
  });
}

int swiglu_backward(Stream stream, ConstView dout, ConstView gate, ConstView up, View dgate, View dup) {
  return with_float(gate.dtype, [&](auto kind) {
    using T = decltype(kind);
    const Backward<T> work{static_cast<const T*>(dout.data), static_cast<const T*>(gate.data),
                           static_cast<const T*>(up.data), static_cast<T*>(dgate.data), static_cast<T*>(dup.data)};
    return each<T>(stream, gate.count, fits_vectors<T>(0, work.dout, work.gate, work.up, work.dgate, work.dup), work);
  });
}

}  // namespace pst::cuda
