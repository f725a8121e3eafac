// SPDX-License-Identifier: Apache-2.0
#include "ops/torch_exec.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <thread>

namespace pst::ops {
namespace {

/// How many threads a loop of `count` steps runs on when the rank has `available`.
std::size_t threads_used(int available, std::int64_t count, std::int64_t grain) {
  set_threads(available);
  std::mutex one_at_a_time;
  std::set<std::thread::id> used;
  std::int64_t done = 0;
  cpu_exec().parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
    const std::lock_guard lock(one_at_a_time);
    used.insert(std::this_thread::get_id());
    done += end - begin;
  });
  EXPECT_EQ(done, count);
  return used.size();
}

TEST(CpuExec, WorkIsSharedAmongTheRanksThreads) {
  const int before = threads();
  EXPECT_EQ(threads_used(3, 9, 1), 3u);
  EXPECT_EQ(threads_used(2, 9, 1), 2u);
  EXPECT_EQ(threads_used(1, 9, 1), 1u);
  EXPECT_EQ(threads_used(3, 9, 100), 1u) << "less than a grain is not shared";
  set_threads(before);
}

}  // namespace
}  // namespace pst::ops
