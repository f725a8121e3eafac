// SPDX-License-Identifier: Apache-2.0
#include "app/this_machine.hpp"

#include <gmock/gmock.h>
#include <sched.h>

#include <set>
#include <thread>

#include "core/file.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace pst::app {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(Machine, IsCalledAsSlurmCallsIt) {
  const fixture::Variable none("SLURMD_NODENAME", {});
  EXPECT_EQ(node_name(), host_name());

  const fixture::Variable named("SLURMD_NODENAME", "n17");
  EXPECT_EQ(node_name(), "n17");
}

std::set<int> cores_of_this_thread() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
  std::set<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &set)) cores.insert(core);
  return cores;
}

/// The cores that a rank is bound to, and how many it then believes to have; in a thread, which takes that with it.
std::pair<std::set<int>, int> bound(int local_rank, int count) {
  std::pair<std::set<int>, int> found;
  std::thread([&] {
    bind_to_cores(local_rank, count);
    found = {cores_of_this_thread(), usable_cores()};
  }).join();
  return found;
}

TEST(Machine, RanksAreBoundToCoresOfTheirOwn) {
  const std::set<int> all = cores_of_this_thread();
  ASSERT_EQ(usable_cores(), static_cast<int>(all.size()));
  const int count = std::max(1, usable_cores() / 2), ranks = usable_cores() / count;

  std::set<int> taken;
  for (int rank = 0; rank < ranks; ++rank) {
    const auto [cores, usable] = bound(rank, count);
    EXPECT_EQ(static_cast<int>(cores.size()), count);
    EXPECT_EQ(usable, count) << "the affinity mask counts, not the machine";
    for (const int core : cores) {
      EXPECT_TRUE(all.contains(core));
      EXPECT_TRUE(taken.insert(core).second) << "core " << core << " belongs to two ranks";
    }
  }
  EXPECT_EQ(cores_of_this_thread(), all);
}

TEST(Machine, ARankWithoutCoresIsRefused) {
  const std::string report = fixture::error_of(Fault::usage, [] { bind_to_cores(1, usable_cores()); });

  EXPECT_THAT(report, HasSubstr("for rank 1 of this node"));
  EXPECT_THAT(report, HasSubstr("lower --cores-per-rank"));
}

/// The kernel's files of a machine with 1000 kB available.
class Memory : public testing::Test {
 protected:
  Memory() {
    write("proc/meminfo", "MemTotal:  8000 kB\nMemAvailable:    1000 kB\n");
    write("proc/self/cgroup", "0::/job_5\n");
  }
  void write(const std::string& file, const std::string& text) const {
    make_directories((dir_ / file).parent_path());
    write_durably(dir_ / file, text);
  }
  std::uint64_t available() const { return available_memory_bytes(dir_ / "proc", dir_ / "sys"); }
  fixture::TemporaryDirectory dir_;
};

TEST_F(Memory, WithoutALimitIsWhatTheKernelSays) {
  EXPECT_EQ(available(), 1000u * 1024);

  write("sys/fs/cgroup/job_5/memory.max", "max\n");
  write("sys/fs/cgroup/job_5/memory.current", "4096\n");
  EXPECT_EQ(available(), 1000u * 1024);
}

TEST_F(Memory, IsWhatTheJobHasLeftOfItsLimit) {
  write("sys/fs/cgroup/job_5/memory.max", "500000\n");
  write("sys/fs/cgroup/job_5/memory.current", "100000\n");
  EXPECT_EQ(available(), 400000u);

  write("sys/fs/cgroup/job_5/memory.current", "600000\n");
  EXPECT_EQ(available(), 0u);

  write("sys/fs/cgroup/job_5/memory.max", "900000000\n");
  EXPECT_EQ(available(), 1000u * 1024) << "a limit above what there is";
}

// As Slurm does it: limits on the job and the step, the process in a group of its own below.
TEST_F(Memory, ALimitAroundTheProcesssOwnGroupCounts) {
  write("proc/self/cgroup", "0::/job_5/step_0/user/task_0\n");
  write("sys/fs/cgroup/job_5/step_0/user/task_0/memory.max", "max\n");
  write("sys/fs/cgroup/job_5/step_0/user/task_0/memory.current", "100\n");
  write("sys/fs/cgroup/job_5/step_0/memory.max", "700000\n");
  write("sys/fs/cgroup/job_5/step_0/memory.current", "100000\n");
  EXPECT_EQ(available(), 600000u);

  write("sys/fs/cgroup/job_5/memory.max", "700000\n");
  write("sys/fs/cgroup/job_5/memory.current", "300000\n");
  EXPECT_EQ(available(), 400000u) << "the tightest of all";

  write("sys/fs/cgroup/memory.max", "300000\n");  // of a container, whose root the process sees as /
  write("sys/fs/cgroup/memory.current", "0\n");
  EXPECT_EQ(available(), 300000u);
}

TEST_F(Memory, IsTheCgroupsWhereTheKernelSaysNothing) {
  write("proc/meminfo", "");
  write("sys/fs/cgroup/job_5/memory.max", "500000\n");
  write("sys/fs/cgroup/job_5/memory.current", "100000\n");
  EXPECT_EQ(available(), 400000u);
}

TEST_F(Memory, OfThisMachineIsKnown) {
  EXPECT_GT(available_memory_bytes(), 1u << 20);
  EXPECT_GT(peak_memory_bytes(), 1u << 20);
}

}  // namespace
}  // namespace pst::app
