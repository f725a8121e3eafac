// SPDX-License-Identifier: Apache-2.0
#include "core/trial_file.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <optional>

#include "core/file.hpp"
#include "support/temporary_directory.hpp"

namespace pst {
namespace {

using testing::HasSubstr;

TEST(TrialFile, IsOursAloneAndGoneAfterwards) {
  const fixture::TemporaryDirectory dir;
  std::optional<TrialFile> file(std::in_place, dir / ".trial");
  ASSERT_TRUE(file->good()) << file->failure();
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1);
  const fs::path path = *fs::directory_iterator(dir.path());
  EXPECT_THAT(path.filename().string(), testing::StartsWith(".trial-"));
  struct stat info {};
  ASSERT_EQ(::fstat(file->descriptor(), &info), 0);
  EXPECT_EQ(info.st_mode & 077, 0u);

  file->write("abc");
  file->write(std::string(5000, 'd'));
  file->flush();
  EXPECT_TRUE(file->good());
  EXPECT_EQ(fs::file_size(path), 5003u);

  file.reset();
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(TrialFile, TellsWhatFailedFirst) {
  TrialFile file("/nowhere/at/all");

  file.write("x");
  file.flush();

  EXPECT_FALSE(file.good());
  EXPECT_LT(file.descriptor(), 0);
  EXPECT_THAT(file.failure(), HasSubstr("No such file"));
}

}  // namespace
}  // namespace pst
