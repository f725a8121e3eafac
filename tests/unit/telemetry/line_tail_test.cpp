// SPDX-License-Identifier: Apache-2.0
#include "telemetry/line_tail.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "support/temporary_directory.hpp"

namespace pst::telemetry {
namespace {

void append(const std::filesystem::path& file, const std::string& text) { std::ofstream(file, std::ios::app) << text; }

TEST(LineTail, AFileThatIsNotThereYetHasNoRecords) {
  const fixture::TemporaryDirectory dir;
  LineTail tail(dir / "n1.jsonl");

  EXPECT_TRUE(tail.read().empty());
  append(dir / "n1.jsonl", "{\"step\":1}\n");

  EXPECT_EQ(tail.read().size(), 1u);
}

TEST(LineTail, ReturnsEachLineOnceAndKeepsATornOneForLater) {
  const fixture::TemporaryDirectory dir;
  LineTail tail(dir / "n1.jsonl");
  append(dir / "n1.jsonl", "{\"step\":1}\n{\"st");

  EXPECT_EQ(tail.read().size(), 1u);
  EXPECT_TRUE(tail.read().empty());
  append(dir / "n1.jsonl", "ep\":2}\n");
  const auto rest = tail.read();

  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0]["step"], 2);
  EXPECT_EQ(tail.skipped(), 0);
}

TEST(LineTail, SkipsAndCountsWhatIsNoObject) {
  const fixture::TemporaryDirectory dir;
  append(dir / "n1.jsonl", "{\"step\":\n\n[1]\n\xff\xfe\n{\"step\":3}\n");
  LineTail tail(dir / "n1.jsonl");

  const auto records = tail.read();

  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0]["step"], 3);
  EXPECT_EQ(tail.skipped(), 3);
}

TEST(LineTail, ALineWithoutEndIsPassedOverOnce) {
  const fixture::TemporaryDirectory dir;
  append(dir / "n1.jsonl", std::string(3 << 20, 'x'));
  LineTail tail(dir / "n1.jsonl");

  EXPECT_TRUE(tail.read().empty());
  append(dir / "n1.jsonl", std::string(3 << 20, 'x') + "\n{\"step\":4}\n");
  const auto records = tail.read();

  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0]["step"], 4);
  EXPECT_EQ(tail.skipped(), 1);
}

TEST(LineTail, AShorterFileIsReadFromItsStart) {
  const fixture::TemporaryDirectory dir;
  append(dir / "n1.jsonl", "{\"step\":1}\n{\"step\":2}\n");
  LineTail tail(dir / "n1.jsonl");
  tail.read();

  std::ofstream(dir / "n1.jsonl") << "{\"step\":9}\n";

  EXPECT_EQ(tail.read().at(0)["step"], 9);
}

}  // namespace
}  // namespace pst::telemetry
