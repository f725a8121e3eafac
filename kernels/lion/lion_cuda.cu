// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

// All adapters at once: they are one flat array. Bound by memory: 20 bytes a value.
namespace pst::cuda {
namespace {

struct Update {
  LionFactors f;
  float* value;
  const float* gradient;
  float* momentum;
  template <int V>
  __device__ void at(std::int64_t i) const {
    Pack<float, V> x = read<V>(value, i), m = read<V>(momentum, i);
    const Pack<float, V> slope = read<V>(gradient, i);
#pragma unroll
    for (int v = 0; v < V; ++v) {
      const float g = slope.at[v] * f.gradient;
      const float direction = m.at[v] * f.beta1 + g * f.rest1;
      const float step = direction > 0.0f ? f.lr : direction < 0.0f ? -f.lr : 0.0f;
      m.at[v] = m.at[v] * f.beta2 + g * f.rest2;
      x.at[v] = x.at[v] * f.decay - step;
    }
    write<V>(momentum, i, m);
    write<V>(value, i, x);
  }
};

}  // namespace

int lion(Stream stream, LionFactors factors, View value, ConstView gradient, View momentum) {
  const Update work{factors, static_cast<float*>(value.data), static_cast<const float*>(gradient.data),
                    static_cast<float*>(momentum.data)};
  return each<float>(stream, value.count, fits_vectors<float>(0, work.value, work.gradient, work.momentum), work);
}

}  // namespace pst::cuda
