// SPDX-License-Identifier: Apache-2.0
#include "cluster/secrets.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace pst::cluster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

class Secrets : public testing::Test {
 protected:
  pst::fixture::TemporaryDirectory dir;
  std::filesystem::path file = dir / "secrets";

  void write(const std::string& text, mode_t mode = 0600) const {
    std::ofstream(file) << text;
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
  }
  std::string complaint() const {
    return pst::fixture::error_of(Fault::usage, [&] { read_secrets(file); });
  }
};

TEST_F(Secrets, AreLinesTakenLiterally) {
  write("# for the hub\n\nHF_TOKEN=hf_$(id) \"x\" = y\nB=\r\n  # more\n");
  EXPECT_THAT(read_secrets(file), ElementsAre(Pair("B", ""), Pair("HF_TOKEN", "hf_$(id) \"x\" = y")));
}

TEST_F(Secrets, OpenToOthersTheyAreNone) {
  for (const mode_t mode : {0640, 0604, 0660, 0610}) {
    write("A=x\n", mode);
    EXPECT_THAT(complaint(), HasSubstr("is open to others"));
    EXPECT_THAT(complaint(), HasSubstr("chmod 600 "));
  }
  write("A=x\n", 0400);
  EXPECT_NO_THROW(read_secrets(file));
}

TEST_F(Secrets, MustBeAPlainFileOfOurs) {
  EXPECT_THAT(complaint(), HasSubstr("cannot read the secrets file"));
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_THAT(complaint(), HasSubstr("no plain file")) << "and it does not wait for a writer";
  std::filesystem::remove(file);
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  write("A=x\n");
  ASSERT_EQ(::chown(file.c_str(), 65534, 65534), 0);
  EXPECT_THAT(complaint(), HasSubstr("belongs to somebody else"));
}

TEST_F(Secrets, AMistakeNamesItsLineAndNeverTheValue) {
  for (const char* line : {"hunter2", "A B=hunter2", "1A=hunter2", "=hunter2", "export A=hunter2", "A=hunter2\x01",
                           "PATH=hunter2", "LD_PRELOAD=hunter2", "SLURM_JOB_ID=hunter2", "OK=x\nOK=hunter2"}) {
    SCOPED_TRACE(line);
    write(std::string("# first\n") + line + "\n");
    const std::string words = complaint();
    EXPECT_THAT(words, HasSubstr("secrets:"));
    EXPECT_THAT(words, Not(HasSubstr("hunter2")));
  }
}

TEST_F(Secrets, AHugeFileIsRefused) {
  write(std::string(70'000, 'x'));
  EXPECT_THAT(complaint(), HasSubstr("larger than 64 KiB"));
}

}  // namespace
}  // namespace pst::cluster
