// SPDX-License-Identifier: Apache-2.0
#include "kernels/noise/noise.hpp"

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using namespace detail;

template <class T>
void rows_of(const float* magnitude, const Rng& rng, T* out, std::int64_t width, std::int64_t begin, std::int64_t end) {
  std::array<std::uint32_t, 4> words{};
  std::int64_t known = -1;  // the block that `words` are
  for (std::int64_t row = begin; row < end; ++row)
    for (std::int64_t at = row * width; at < (row + 1) * width; ++at) {
      if (at / 4 != known) {
        known = at / 4;
        words =
            philox4x32({static_cast<std::uint32_t>(known), static_cast<std::uint32_t>(known >> 32), 0, 0}, rng.key());
      }
      // 24 bits of the word as 2 u - 1: exact, so that the product is the only rounding.
      const auto bits = static_cast<std::int32_t>(words[static_cast<std::size_t>(at % 4)] >> 8) - (1 << 23);
      store(out, at, static_cast<float>(bits) * 0x1p-23f * magnitude[row]);
    }
}

}  // namespace

void uniform_noise(const Exec& on, ConstView magnitude, const Rng& rng, View out) {
  require_on(on, "uniform_noise", {magnitude, out});
  require_float(out.dtype, "uniform_noise");
  const std::int64_t rows = magnitude.count;
  if (rows == 0) return;
  PST_ASSERT(magnitude.dtype == Dtype::f32 && out.count % rows == 0, "one magnitude for each row");
  const auto [key0, key1] = rng.key();
  switch (on.device.kind) {
    case DeviceKind::cuda: return on_cuda(on, "uniform_noise", &CudaTable::uniform_noise, magnitude, key0, key1, out);
    case DeviceKind::cpu: break;
  }
  with_float(out.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(rows, 1, [&](std::int64_t begin, std::int64_t end) {
      rows_of(magnitude.as<float>().data(), rng, static_cast<T*>(out.data), out.count / rows, begin, end);
    });
  });
}

}  // namespace pst::kernels
