// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <filesystem>

#include "doctor/machine_facts.hpp"
#include "support/temporary_directory.hpp"

namespace pst::doctor {
namespace {

TEST(DiskProbe, MeasuresAndLeavesNothing) {
  const fixture::TemporaryDirectory folder;

  const Disk disk = probe_disk(folder.path());

  EXPECT_EQ(disk.failure, "");
  EXPECT_GT(disk.write_mb_s, 0);
  EXPECT_GT(disk.free_bytes, 0u);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(DiskProbe, TellsWhatADiskRefuses) {
  EXPECT_THAT(probe_disk("/dev/null/no").failure, ::testing::HasSubstr("Not a directory"));
  EXPECT_THAT(probe_disk("/proc").failure, ::testing::HasSubstr("cannot create a file"));
}

}  // namespace
}  // namespace pst::doctor
