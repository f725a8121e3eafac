// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

// All adapters at once: they are one flat array. Bound by memory: 28 bytes a value.
namespace pst::cuda {
namespace {

struct Update {
  AdamWFactors f;
  float* value;
  const float* gradient;
  float *moment1, *moment2;
  template <int V>
  __device__ void at(std::int64_t i) const {
    Pack<float, V> x = read<V>(value, i), m1 = read<V>(moment1, i), m2 = read<V>(moment2, i);
    const Pack<float, V> slope = read<V>(gradient, i);
#pragma unroll
    for (int v = 0; v < V; ++v) {
      const float g = slope.at[v] * f.gradient;
      const float m = m1.at[v] + (g - m1.at[v]) * f.rest1;
      const float s = m2.at[v] * f.beta2 + g * g * f.rest2;
      m1.at[v] = m;
      m2.at[v] = s;
      x.at[v] = x.at[v] * f.decay - f.step_size * (m / (sqrtf(s) * f.root_correction + f.eps));
    }
    write<V>(moment1, i, m1);
    write<V>(moment2, i, m2);
    write<V>(value, i, x);
  }
};

}  // namespace

int adamw(Stream stream, AdamWFactors factors, View value, ConstView gradient, View moment1, View moment2) {
  const Update work{factors, static_cast<float*>(value.data), static_cast<const float*>(gradient.data),
                    static_cast<float*>(moment1.data), static_cast<float*>(moment2.data)};
  return each<float>(stream, value.count, fits_vectors<float>(0, work.value, work.gradient, work.moment1, work.moment2),
                     work);
}

}  // namespace pst::cuda
