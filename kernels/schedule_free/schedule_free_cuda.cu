// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

// All adapters at once: they are one flat array. Bound by memory: 36 bytes a value.
namespace pst::cuda {
namespace {

struct Update {
  ScheduleFreeFactors f;
  float* value;
  const float* gradient;
  float *z, *moment2, *x;
  template <int V>
  __device__ void at(std::int64_t i) const {
    Pack<float, V> y = read<V>(value, i), point = read<V>(z, i), m2 = read<V>(moment2, i), mean = read<V>(x, i);
    const Pack<float, V> slope = read<V>(gradient, i);
#pragma unroll
    for (int v = 0; v < V; ++v) {
      const float g = slope.at[v] * f.gradient;
      m2.at[v] = m2.at[v] * f.beta2 + g * g * f.rest2;
      const float d = g / (sqrtf(m2.at[v]) * f.root_correction + f.eps) + y.at[v] * f.decay;
      if (f.start) point.at[v] = mean.at[v] = y.at[v];
      point.at[v] = point.at[v] - f.lr * d;
      mean.at[v] = mean.at[v] + f.average * (point.at[v] - mean.at[v]);
      y.at[v] = point.at[v] + f.beta1 * (mean.at[v] - point.at[v]);
    }
    write<V>(z, i, point);
    write<V>(moment2, i, m2);
    write<V>(x, i, mean);
    write<V>(value, i, y);
  }
};

}  // namespace

int schedule_free(Stream stream, ScheduleFreeFactors factors, View value, ConstView gradient, View z, View moment2,
                  View x) {
  const Update work{factors,
                    static_cast<float*>(value.data),
                    static_cast<const float*>(gradient.data),
                    static_cast<float*>(z.data),
                    static_cast<float*>(moment2.data),
                    static_cast<float*>(x.data)};
  return each<float>(stream, value.count,
                     fits_vectors<float>(0, work.value, work.gradient, work.z, work.moment2, work.x), work);
}

}  // namespace pst::cuda
