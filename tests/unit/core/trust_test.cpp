// SPDX-License-Identifier: Apache-2.0
#include "core/trust.hpp"

#include <gmock/gmock.h>

#include "core/file.hpp"
#include "support/errors.hpp"
#include "support/strangers.hpp"
#include "support/temporary_directory.hpp"

namespace pst {
namespace {

using fixture::set_mode;
using testing::HasSubstr;

class Trust : public testing::Test {
 protected:
  Trust() { write_durably(file_, "x"); }
  fixture::TemporaryDirectory dir_;
  fs::path file_ = dir_ / "file";
};

TEST_F(Trust, AFileThatOnlyItsOwnerWritesIsOurs) {
  set_mode(file_, 0644);
  EXPECT_FALSE(not_ours(file_));
  EXPECT_FALSE(not_ours(dir_ / "absent")) << "reading it says so";
  set_mode(file_, 0646);
  EXPECT_EQ(not_ours(file_), "everybody may write it");
}

TEST_F(Trust, AGroupCountsUnlessItIsTheOwnersAlone) {
  SKIP_UNLESS_ROOT();
  set_mode(file_, 0664);
  fixture::give(file_, 0, 0);
  EXPECT_FALSE(others_may_write(file_)) << "root's own";
  fixture::give(file_, 0, fixture::kProject);
  EXPECT_EQ(others_may_write(file_), "its group '5000' may write it");
}

TEST_F(Trust, AnotherUsersFileIsNotOursAndRootsIs) {
  SKIP_UNLESS_ROOT();
  fixture::give(file_, fixture::kStranger);
  EXPECT_EQ(not_ours(file_), "it belongs to '4242'");
  EXPECT_FALSE(others_may_write(file_));
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { MappedFile(file_, MappedFile::From::us); }),
              HasSubstr("is not believed: it belongs to '4242'"));
  EXPECT_NO_THROW(MappedFile{file_});
  fixture::give(file_, 0, 0);
  set_mode(dir_.path(), 0755);
  set_mode(file_, 0644);
  EXPECT_EQ(fixture::as_user(fixture::kVictim, [&] { return not_ours(file_) ? 1 : 0; }), 0);
}

TEST_F(Trust, WhatAProgramMakesOnlyItsOwnerWritesAndSharedFoldersAreShared) {
  const auto modes = [&](mode_t mask, const char* name) {
    return fixture::as_user(::geteuid(), [&] {
      ::umask(mask);
      keep_from_others();
      make_shared_directories(dir_ / name / "runs");
      write_durably(dir_ / name / "runs/recipe.yaml", "x");
      write_durably(dir_ / name / "runs/node.prom", "x", Readers::everybody);
      fs::create_directory(dir_ / name / "runs/x-1");
      return 0;
    });
  };
  const auto mode = [&](const fs::path& path) {
    return static_cast<unsigned>(fs::status(dir_ / path.string()).permissions());
  };
  if (::geteuid() != 0) GTEST_SKIP() << "as_user() changes the group, which only root can";
  ASSERT_EQ(modes(002, "open"), 0);
  ASSERT_EQ(modes(077, "shut"), 0);

  EXPECT_EQ(mode("open/runs"), 0775u);
  EXPECT_EQ(mode("open/runs/x-1"), 0755u);
  EXPECT_EQ(mode("open/runs/recipe.yaml"), 0644u);
  EXPECT_EQ(mode("shut/runs"), 0700u);
  EXPECT_EQ(mode("shut/runs/recipe.yaml"), 0600u);
  for (const char* file : {"open/runs/node.prom", "shut/runs/node.prom"}) EXPECT_EQ(mode(file), 0644u);
}

TEST_F(Trust, ASharedFolderKeepsItsGroup) {
  SKIP_UNLESS_ROOT();
  fs::create_directory(dir_ / "project");
  fixture::give(dir_ / "project", 0);
  set_mode(dir_ / "project", 02775);

  make_shared_directories(dir_ / "project/runs/.prepared");

  struct stat info {};
  ASSERT_EQ(::stat((dir_ / "project/runs/.prepared").c_str(), &info), 0);
  EXPECT_EQ(info.st_gid, fixture::kProject);
  EXPECT_NE(info.st_mode & S_ISGID, 0u);
}

}  // namespace
}  // namespace pst
