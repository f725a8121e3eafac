// SPDX-License-Identifier: Apache-2.0
#include "comm/clock_offset.hpp"

#include <gmock/gmock.h>

#include <mutex>
#include <vector>

#include "comm/local_communicator.hpp"
#include "core/clock.hpp"

namespace pst::comm {
namespace {

TEST(ClockOffset, FindsHowFarRankZeroIsAhead) {
  const std::vector<double> ahead = {0, -3.5, 120.25};  // of rank 0, by rank
  std::mutex mutex;
  std::vector<ClockOffset> found(ahead.size());

  run_ranks(3, [&](Communicator& group) {
    const double shift = ahead[static_cast<std::size_t>(group.rank())];
    const auto offset = measure_clock(group, true, [&] { return unix_seconds() - shift; });
    const std::lock_guard lock(mutex);
    found[static_cast<std::size_t>(group.rank())] = offset;
  });

  for (std::size_t rank = 1; rank < ahead.size(); ++rank) {
    EXPECT_GT(found[rank].uncertainty_s, 0);
    // A Unix time is a double of about 0.2 microseconds.
    EXPECT_NEAR(found[rank].offset_s, ahead[rank], found[rank].uncertainty_s + 1e-6);
  }
  EXPECT_EQ(found[0].offset_s, 0);
}

TEST(ClockOffset, WhoDoesNotAskIsLeftAlone) {
  run_ranks(2, [&](Communicator& group) {
    const auto offset = measure_clock(group, group.is_root(), [&] { return unix_seconds() + group.rank(); });
    EXPECT_EQ(offset.offset_s, 0);
  });
}

}  // namespace
}  // namespace pst::comm
