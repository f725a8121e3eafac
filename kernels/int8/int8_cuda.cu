// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

namespace pst::cuda {
namespace {

/// @param vectors  whether V codes never cross a row's end and every address fits: width, first and addresses are
/// multiples of V
template <class T, int V>
__global__ __launch_bounds__(kThreads) void dequantise(const signed char* codes, const float* absmax,
                                                       std::int64_t width, std::int64_t first, std::int64_t count,
                                                       T* out) {
  const std::int64_t packs = (count + V - 1) / V;  // V divides count
  for (std::int64_t p = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; p < packs;
       p += static_cast<std::int64_t>(gridDim.x) * kThreads) {
    const std::int64_t i = p * V;
    const float scale = __fmul_rn(absmax[(first + i) / width], 1.0f / 127.0f);
    const Pack<signed char, V> from = read<V>(codes, first + i);
    Pack<T, V> to;
#pragma unroll
    for (int v = 0; v < V; ++v) to.at[v] = narrow<T>(__fmul_rn(static_cast<float>(from.at[v]), scale));
    write<V>(out, i, to);
  }
}

}  // namespace

int int8_dequantise(Stream stream, ConstView codes, ConstView absmax, std::int64_t width, std::int64_t first,
                    View out) {
  return with_float(out.dtype, [&](auto kind) {
    using T = decltype(kind);
    constexpr int V = kVector<T>;
    const bool vectors = width % V == 0 && first % V == 0 && out.count % V == 0 &&
                         reinterpret_cast<std::uintptr_t>(codes.data) % V == 0 &&
                         reinterpret_cast<std::uintptr_t>(out.data) % 16 == 0;
    const auto kernel = vectors ? dequantise<T, V> : dequantise<T, 1>;
    return launch(kernel, blocks_for(out.count, kThreads * (vectors ? V : 1)), kThreads, stream,
                  static_cast<const signed char*>(codes.data), static_cast<const float*>(absmax.data), width, first,
                  out.count, static_cast<T*>(out.data));
  });
}

}  // namespace pst::cuda
