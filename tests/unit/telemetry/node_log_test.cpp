// SPDX-License-Identifier: Apache-2.0
#include "telemetry/node_log.hpp"

#include <gmock/gmock.h>
#include <sys/mount.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/file.hpp"
#include "support/temporary_directory.hpp"
#include "telemetry/line_tail.hpp"

namespace pst::telemetry {
namespace {

TEST(NodeLog, AddsTheTime) {
  const fixture::TemporaryDirectory dir;

  NodeLog(dir / "n1.jsonl").write({{"kind", "step"}, {"step", 7}});

  const auto records = read_lines(dir / "n1.jsonl");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0]["step"], 7);
  EXPECT_THAT(records[0]["t"].get<std::string>(), testing::MatchesRegex("....-..-..T..:..:..\\....Z"));
}

TEST(NodeLog, InvalidUtf8AndInfinitiesDoNotThrow) {
  const fixture::TemporaryDirectory dir;
  NodeLog log(dir / "n1.jsonl");

  log.write({{"kind", "note"}, {"text", "\xff"}, {"loss", std::numeric_limits<double>::infinity()}});

  EXPECT_EQ(read_lines(dir / "n1.jsonl").size(), 1u);
}

TEST(NodeLog, AFileThatCannotBeMadeIsAnError) {
  const fixture::TemporaryDirectory dir;
  EXPECT_THROW(NodeLog(dir / "gone/n1.jsonl"), Error);
}

TEST(NodeLog, AFullDiskLosesLinesTellsHowManyAndGoesOn) {
  const fixture::TemporaryDirectory dir;
  if (::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "mounting a small tmpfs needs root; this user may not";
  write_durably(dir / "ballast", std::string(40 << 10, 'x'));
  NodeLog log(dir / "n1.jsonl");

  for (int step = 0; step < 1000; ++step) log.write({{"kind", "step"}, {"step", step}});
  fs::remove(dir / "ballast");
  log.write({{"kind", "step"}, {"step", 1000}});

  const auto records = read_lines(dir / "n1.jsonl");
  const auto& last = records.back();
  EXPECT_EQ(last["step"], 1000);
  EXPECT_EQ(last["lost_lines"].get<std::size_t>() + records.size(), 1001u);
  EXPECT_GT(last["lost_lines"], 0);
  ::umount(dir.path().c_str());
}

}  // namespace
}  // namespace pst::telemetry
