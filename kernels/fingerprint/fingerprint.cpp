// SPDX-License-Identifier: Apache-2.0
#include "kernels/fingerprint/fingerprint.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "kernels/detail/dispatch.hpp"

namespace pst::kernels {
namespace {

using detail::mix;

void add_words(const std::byte* bytes, std::size_t size, std::int64_t begin, std::int64_t end,
               std::array<std::uint64_t, 2>& sums) {
  for (std::int64_t i = begin; i < end; ++i) {
    std::uint64_t word = 0;
    const auto at = static_cast<std::size_t>(i) * sizeof word;
    std::memcpy(&word, bytes + at, std::min(sizeof word, size - at));
    for (std::uint64_t j = 0; j < 2; ++j) sums[j] += mix(word ^ mix(2 * static_cast<std::uint64_t>(i) + j + 1));
  }
}

}  // namespace

std::array<std::uint64_t, 2> fingerprint(const Exec& on, ConstView values) {
  detail::require_on(on, "fingerprint", {values});
  std::array<std::uint64_t, 2> sums = {};
  switch (on.device.kind) {
    case DeviceKind::cuda:
      detail::on_cuda(on, "fingerprint", &CudaTable::fingerprint, values.data,
                      static_cast<std::int64_t>(values.bytes()), sums.data());
      break;
    case DeviceKind::cpu: {
      std::mutex one_at_a_time;
      on.parallel_for(static_cast<std::int64_t>((values.bytes() + 7) / 8), 65536,
                      [&](std::int64_t begin, std::int64_t end) {
                        std::array<std::uint64_t, 2> mine = {};
                        add_words(static_cast<const std::byte*>(values.data), values.bytes(), begin, end, mine);
                        const std::lock_guard lock(one_at_a_time);
                        for (std::size_t j = 0; j < 2; ++j) sums[j] += mine[j];
                      });
      break;
    }
  }
  for (std::uint64_t j = 0; j < 2; ++j) sums[j] = mix(values.bytes() + j + sums[j]);
  return sums;
}

}  // namespace pst::kernels
