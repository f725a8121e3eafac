// SPDX-License-Identifier: Apache-2.0
#include "telemetry/sample.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "support/temporary_directory.hpp"
#include "telemetry/line_tail.hpp"
#include "telemetry/sample_log.hpp"

namespace pst::telemetry {
namespace {

using nlohmann::ordered_json;

/// A kernel's files, written by hand.
void write_proc(const fixture::TemporaryDirectory& dir, std::int64_t user_ticks, std::int64_t received) {
  make_directories(dir / "proc/self/net");
  make_directories(dir / "proc/77");
  make_directories(dir / "sys/class/infiniband/mlx5_0/ports/1/counters");
  write_durably(dir / "proc/stat", cat("cpu  ", user_ticks, " 0 100 1000 50 0 0 0 0 0\ncpu0 1 2 3\n"));
  write_durably(dir / "proc/meminfo", "MemTotal:    2048 kB\nMemFree: 5 kB\nMemAvailable:  1024 kB\n");
  write_durably(dir / "proc/self/net/dev",
                cat("Inter-| Receive\n face |bytes\n    lo: 999 0 0 0 0 0 0 0 999 0 0 0 0 0 0 0\n  eth0: ", received,
                    " 0 0 0 0 0 0 0 70 0 0 0 0 0 0 0\n"));
  // Field 2 is the name, and a name may hold blanks and parentheses.
  write_durably(dir / "proc/77/stat", cat("77 (a ) b) R 1 1 1 0 -1 0 11 0 12 0 ", user_ticks,
                                          " 5 0 0 20 0 1 0 100 4096 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"));
  write_durably(dir / "proc/77/status", "Name: x\nvoluntary_ctxt_switches:\t21\nnonvoluntary_ctxt_switches:\t22\n");
  write_durably(dir / "sys/class/infiniband/mlx5_0/ports/1/counters/port_rcv_data", "1000\n");
  write_durably(dir / "sys/class/infiniband/mlx5_0/ports/1/counters/port_xmit_data", "3\n");
}

MachineCounters read(const fixture::TemporaryDirectory& dir) {
  return read_machine({{.rank = 4, .pid = 77}, {.rank = 5, .pid = 78}}, dir / "proc", dir / "sys");
}

TEST(Machine, CountersAreReadFromTheKernelsFiles) {
  const fixture::TemporaryDirectory dir;
  write_proc(dir, 300, 600);

  const MachineCounters machine = read(dir);

  const auto tick = 1.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  EXPECT_NEAR(machine.busy_s, 400 * tick, 1e-9);
  EXPECT_NEAR(machine.total_s, 1450 * tick, 1e-9);
  EXPECT_EQ(machine.available_bytes, 1024 * 1024);
  EXPECT_EQ(machine.network.received_bytes, 600) << "the loopback is no network";
  ASSERT_TRUE(machine.infiniband);
  EXPECT_EQ(machine.infiniband->received_bytes, 4000) << "the counter is in words of four bytes";
  ASSERT_EQ(machine.processes.size(), 1u) << "a process that is gone is left out";
  const auto& process = machine.processes[0];
  EXPECT_EQ(process.rank, 4);
  EXPECT_EQ(process.minor_faults, 11);
  EXPECT_EQ(process.major_faults, 12);
  EXPECT_NEAR(process.cpu_s, 305 * tick, 1e-9);
  EXPECT_EQ(process.resident_bytes, 3 * ::sysconf(_SC_PAGESIZE));
  EXPECT_EQ(process.forced_switches, 22);
  EXPECT_FALSE(process.read_bytes) << "what the kernel does not tell is not 0";
}

TEST(Sample, RatesArePerSecondAndUnknownIsNull) {
  const fixture::TemporaryDirectory dir;
  write_proc(dir, 300, 600);
  Snapshot before{.machine = read(dir)};
  write_proc(dir, 500, 1600);
  Snapshot now{.machine = read(dir)};
  before.machine.at_s = 10;
  now.machine.at_s = 12;

  const ordered_json sample = sample_between(before, now);

  EXPECT_EQ(sample["cpu_busy"], 1.0);
  EXPECT_EQ(sample["network"], ordered_json({500.0, 0.0}));
  const auto columns = sample_columns()["ranks"];
  ASSERT_EQ(sample["ranks"].size(), 1u);
  ASSERT_EQ(sample["ranks"][0].size(), columns.size());
  EXPECT_EQ(sample["ranks"][0][0], 4);
  EXPECT_NEAR(sample["ranks"][0][1].get<double>(), 100.0 / static_cast<double>(::sysconf(_SC_CLK_TCK)), 1e-3);
  EXPECT_TRUE(sample["ranks"][0][7].is_null());
  EXPECT_FALSE(sample.contains("gpus"));
}

TEST(SampleLog, KeepsEveryTenthForGoodAndTheRecentOnesInTwoFiles) {
  const fixture::TemporaryDirectory dir;
  {
    SampleLog log(dir / "samples", "n1", {{"kind", "start"}, {"format", 1}});
    for (int second = 0; second <= 1500; ++second) {
      Snapshot snapshot;
      snapshot.machine.at_s = second;
      log.add(snapshot);
    }
  }

  EXPECT_EQ(read_lines(dir / "samples/n1.jsonl").size(), 1u + 150u);
  EXPECT_EQ(read_lines(dir / "samples/n1.recent.jsonl").size(), 1u + 300u);
  EXPECT_EQ(read_lines(dir / "samples/n1.recent.1.jsonl").size(), 1u + 600u);
  EXPECT_EQ(read_lines(dir / "samples/n1.jsonl")[1]["seconds"], 10.0);
}

TEST(SampleLog, AnHourOfEightRanksStaysBelowAMegabyte) {
  const fixture::TemporaryDirectory dir;
  {
    SampleLog log(dir / "samples", "n1", {{"kind", "start"}, {"sample_columns", sample_columns()}});
    for (int second = 0; second <= 3600; ++second) {
      Snapshot snapshot;
      snapshot.machine.at_s = second * 1.0001;
      snapshot.machine.available_bytes = 500'000'000'000 + second;
      snapshot.machine.network = {second * 1234567890LL, second * 1234567890LL};
      for (int rank = 0; rank < 8; ++rank)
        snapshot.machine.processes.push_back({.rank = rank,
                                              .cpu_s = 7.123 * second,
                                              .resident_bytes = 12'345'678'901,
                                              .minor_faults = 1234LL * second,
                                              .switches = 123LL * second,
                                              .forced_switches = 12LL * second,
                                              .read_bytes = 123456LL * second,
                                              .written_bytes = 123456LL * second});
      log.add(snapshot);
    }
  }

  std::uintmax_t bytes = 0;
  for (const auto& file : fs::directory_iterator(dir / "samples")) bytes += file.file_size();
  EXPECT_LT(bytes, 1'000'000u);
}

}  // namespace
}  // namespace pst::telemetry
