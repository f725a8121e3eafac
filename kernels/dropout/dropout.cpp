// SPDX-License-Identifier: Apache-2.0
#include "kernels/dropout/dropout.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using namespace detail;

// A group is kLanes Philox blocks of four words of two 16-bit choices: enough independent lanes for any vector width.
constexpr std::int64_t kGroup = kLanes * 8;

PST_INLINE void random_group(std::uint64_t group, std::uint32_t key0, std::uint32_t key1,
                             std::uint32_t* words /* [4][kLanes] */) {
  std::uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
  for (std::int64_t l = 0; l < kLanes; ++l) {
    const std::uint64_t block = group * kLanes + static_cast<std::uint64_t>(l);
    c0[l] = static_cast<std::uint32_t>(block);
    c1[l] = static_cast<std::uint32_t>(block >> 32);
    c2[l] = 0;
    c3[l] = 0;
  }
  for (int round = 0; round < 10; ++round) {
    for (std::int64_t l = 0; l < kLanes; ++l) {
      const std::uint64_t a = std::uint64_t{0xD2511F53u} * c0[l];
      const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * c2[l];
      const std::uint32_t n0 = static_cast<std::uint32_t>(b >> 32) ^ c1[l] ^ key0;
      const std::uint32_t n2 = static_cast<std::uint32_t>(a >> 32) ^ c3[l] ^ key1;
      c1[l] = static_cast<std::uint32_t>(b);
      c3[l] = static_cast<std::uint32_t>(a);
      c0[l] = n0;
      c2[l] = n2;
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  for (std::int64_t l = 0; l < kLanes; ++l) {
    words[0 * kLanes + l] = c0[l];
    words[1 * kLanes + l] = c1[l];
    words[2 * kLanes + l] = c2[l];
    words[3 * kLanes + l] = c3[l];
  }
}

template <class T>
PST_INLINE void range(const T* x, T* out, std::uint32_t threshold, float scale, std::uint32_t key0, std::uint32_t key1,
                      std::int64_t count, std::int64_t begin, std::int64_t end) {
  std::uint32_t words[4 * kLanes];
  float keep[kGroup];
  for (std::int64_t group = begin; group < end; ++group) {
    random_group(static_cast<std::uint64_t>(group), key0, key1, words);
    for (std::int64_t i = 0; i < 4 * kLanes; ++i) {
      keep[i] = (words[i] & 0xffffu) >= threshold ? scale : 0.0f;
      keep[i + 4 * kLanes] = (words[i] >> 16) >= threshold ? scale : 0.0f;
    }
    const std::int64_t first = group * kGroup, size = count - first < kGroup ? count - first : kGroup;
    for (std::int64_t i = 0; i < size; ++i) store(out, first + i, load(x, first + i) * keep[i]);
  }
}

PST_CLONES void work(const float* x, float* out, std::uint32_t threshold, float scale, std::uint32_t key0,
                     std::uint32_t key1, std::int64_t count, std::int64_t begin, std::int64_t end) {
  range(x, out, threshold, scale, key0, key1, count, begin, end);
}
PST_CLONES void work(const bf16* x, bf16* out, std::uint32_t threshold, float scale, std::uint32_t key0,
                     std::uint32_t key1, std::int64_t count, std::int64_t begin, std::int64_t end) {
  range(x, out, threshold, scale, key0, key1, count, begin, end);
}

}  // namespace

void dropout(const Exec& on, ConstView x, double p, const Rng& rng, View out) {
  require_on(on, "dropout", {x, out});
  require_float(x.dtype, "dropout");
  PST_ASSERT(out.count == x.count && out.dtype == x.dtype, "output and input are alike");
  PST_ASSERT(p >= 0 && p < 1, "the recipe bounds dropout");
  const auto threshold = static_cast<std::uint32_t>(std::lround(p * 65536));
  const auto scale = static_cast<float>(65536.0 / (65536.0 - threshold));
  const auto [key0, key1] = rng.key();
  switch (on.device.kind) {
    case DeviceKind::cuda: return on_cuda(on, "dropout", &CudaTable::dropout, x, threshold, scale, key0, key1, out);
    case DeviceKind::cpu: break;
  }
  with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(
        (x.count + kGroup - 1) / kGroup, 64, [&, k0 = key0, k1 = key1](std::int64_t begin, std::int64_t end) {
          work(static_cast<const T*>(x.data), static_cast<T*>(out.data), threshold, scale, k0, k1, x.count, begin, end);
        });
  });
}

}  // namespace pst::kernels
