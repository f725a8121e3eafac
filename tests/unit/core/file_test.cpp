// SPDX-License-Identifier: Apache-2.0
#include "core/file.hpp"

#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>
#include <cstring>

#include <cstring>
#include <fstream>

#include "core/error.hpp"
#include "support/temporary_directory.hpp"

namespace pst {
namespace {

std::size_t entries(const fs::path& dir) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(dir), fs::directory_iterator()));
}

TEST(File, WriteDurablyReplacesAndLeavesNoTemporary) {
  const fixture::TemporaryDirectory dir;

  write_durably(dir / "a.json", "one");
  write_durably(dir / "a.json", "two");

  EXPECT_EQ(read_file(dir / "a.json"), "two");
  EXPECT_EQ(entries(dir.path()), 1u);
}

TEST(File, WriteIntoAMissingFolderNamesThePath) {
  const fixture::TemporaryDirectory dir;
  try {
    write_durably(dir / "gone/a.json", "x");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::io);
    EXPECT_THAT(error.what(), testing::HasSubstr("gone/a.json"));
  }
}

TEST(File, FullDiskKeepsTheOldContent) {
  const fixture::TemporaryDirectory dir;
  if (::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "mounting a small tmpfs needs root; this user may not";
  write_durably(dir / "a.json", "old");

  try {
    write_durably(dir / "a.json", std::string(1 << 20, 'x'));
    ADD_FAILURE() << "a MiB fitted into 64 KiB";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("No space left"));
    EXPECT_THAT(error.what(), testing::HasSubstr("free 1.0 MiB there"));
  }

  EXPECT_EQ(read_file(dir / "a.json"), "old");
  EXPECT_EQ(entries(dir.path()), 1u);
  ::umount(dir.path().c_str());
}

TEST(File, DurableFileAppearsOnlyWhenCommitted) {
  const fixture::TemporaryDirectory dir;
  {
    DurableFile abandoned(dir / "a");
    abandoned.write("half");
  }
  EXPECT_EQ(entries(dir.path()), 0u);

  DurableFile file(dir / "a", 4);
  file.write("on");
  file.write("e!");
  EXPECT_FALSE(fs::exists(dir / "a"));
  file.commit();

  EXPECT_EQ(read_file(dir / "a"), "one!");
  EXPECT_EQ(entries(dir.path()), 1u);
}

TEST(File, ReadingWhatIsNotAFileIsADataError) {
  const fixture::TemporaryDirectory dir;
  EXPECT_THROW(read_file(dir / "none"), Error);
  EXPECT_THROW(read_file(dir.path()), Error);
  write_durably(dir / "big", std::string(100, 'x'));
  EXPECT_THROW(read_file(dir / "big", 99), Error);
}

TEST(File, AppendAddsWholeLines) {
  const fixture::TemporaryDirectory dir;
  {
    AppendFile log(dir / "events.jsonl");
    log.append("{}");
  }
  AppendFile again(dir / "events.jsonl");
  again.append("[]");
  again.sync();

  EXPECT_EQ(read_file(dir / "events.jsonl"), "{}\n[]\n");
}

TEST(MappedFile, WhatWasLetGoIsReadAgain) {
  const fixture::TemporaryDirectory dir;
  std::string content(3 << 20, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * i >> 5);
  write_durably(dir / "file", content);
  const MappedFile file(dir / "file");
  for (const std::size_t begin : {0, 1, 5000}) {
    let_go(file.bytes().subspan(begin));
    EXPECT_EQ(std::memcmp(file.bytes().data(), content.data(), content.size()), 0);
  }
  let_go(file.bytes().first(10));
  let_go({});
}

}  // namespace
}  // namespace pst
