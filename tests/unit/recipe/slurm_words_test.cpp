// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "recipe/slurm_section.hpp"

namespace pst::recipe {
namespace {

// The forms of sbatch(1), option --time.
TEST(SlurmTime, TakesSlurmsForms) {
  for (const char* good :
       {"1", "90", "90:30", "01:30:00", "100:00:00", "2-12", "2-12:30", "2-12:30:59", "0-0", "UNLIMITED"})
    EXPECT_TRUE(is_slurm_time(good)) << good;
  for (const char* bad :
       {"",       ":",         "1h", "1:", ":30", "1:60", "1:00:60", "1:2:3:4",    "-1",        "1-",   "1-24",
        "1-1:60", "1-1:1:1:1", "1 ", " 1", "1.5", "+1",   "9999999", "01:00:00\n", "unlimited", "1-2-3"})
    EXPECT_FALSE(is_slurm_time(bad)) << bad;
}

TEST(SlurmTime, InSeconds) {
  for (const auto& [text, seconds] : std::vector<std::pair<const char*, std::int64_t>>{{"90", 5400},
                                                                                       {"90:30", 5430},
                                                                                       {"01:30:05", 5405},
                                                                                       {"2-12", 216000},
                                                                                       {"2-12:30", 217800},
                                                                                       {"2-12:30:59", 217859},
                                                                                       {"0", 0}})
    EXPECT_EQ(slurm_seconds(text), seconds) << text;
  EXPECT_FALSE(slurm_seconds("UNLIMITED"));
  EXPECT_FALSE(slurm_seconds("soon"));
}

TEST(SlurmMemory, TakesSlurmsForms) {
  for (const char* good : {"0", "16000", "16G", "512M", "1T", "8K"}) EXPECT_TRUE(is_slurm_memory(good)) << good;
  for (const char* bad : {"", "G", "16GB", "16 G", "1.5G", "-1", "16g", "1e9"})
    EXPECT_FALSE(is_slurm_memory(bad)) << bad;
}

}  // namespace
}  // namespace pst::recipe
