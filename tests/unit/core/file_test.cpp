// SPDX-License-Identifier: Apache-2.0
#include "core/file.hpp"

#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstring>
#include <fstream>
#include <functional>
#include <vector>

#include "core/error.hpp"
#include "support/errors.hpp"
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
  write_durably(dir / "big", std::string(100, 'x'));
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { read_file(dir / "none"); }), testing::HasSubstr("does not exist"));
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { read_file(dir.path()); }),
              testing::HasSubstr("is not a regular file"));
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { read_file(dir / "big", 99); }), testing::HasSubstr("at most 99"));
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

TEST(File, NeitherReadingNorAppendingWaitsForANamedPipe) {
  const fixture::TemporaryDirectory dir;
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);

  for (const auto& open : std::vector<std::function<void()>>{
           [&] { read_file(dir / "pipe"); }, [&] { MappedFile file(dir / "pipe"); },
           [&] { RegularFile::open_if_there(dir / "pipe"); }, [&] { AppendFile(dir / "pipe").append("x"); }}) {
    try {
      open();
      ADD_FAILURE() << "a pipe was taken for a file";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("pipe is not a regular file"));
    }
  }
}

TEST(File, WhatIsThereIsReadFromAnyPlace) {
  const fixture::TemporaryDirectory dir;
  write_durably(dir / "a", "0123456789");

  EXPECT_FALSE(RegularFile::open_if_there(dir / "none"));
  const RegularFile file(dir / "a");
  EXPECT_EQ(file.size(), 10u);
  EXPECT_EQ(file.read(8, 5), "89");
  EXPECT_EQ(file.read(20, 5), "");
}

}  // namespace
}  // namespace pst
