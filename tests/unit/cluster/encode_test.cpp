// SPDX-License-Identifier: Apache-2.0
#include "cluster/encode.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"

namespace pst::cluster {
namespace {

TEST(Encode, PlainDirectiveValuesStayAsTheyAre) {
  EXPECT_EQ(directive_value("slurm.time", "1-02:00:00"), "1-02:00:00");
  EXPECT_EQ(directive_value("slurm.nodelist", "n[1-4],gpu%2"), "n[1-4],gpu%2");
}

TEST(Encode, DirectiveValuesWithBlanksCommentsAndQuotesAreQuoted) {
  EXPECT_EQ(directive_value("slurm.account", "a b"), "\"a b\"");
  EXPECT_EQ(directive_value("slurm.account", "a#b"), "\"a#b\"");
  EXPECT_EQ(directive_value("slurm.account", "a\"b\\"), "\"a\\\"b\\\\\"");
  EXPECT_EQ(directive_value("slurm.account", "x --nodes=9"), "\"x --nodes=9\"");
}

TEST(Encode, DirectiveValuesRefuseWhatCannotBeWritten) {
  for (const std::string bad : {"", "a\nb", "a\rb", "a\tb", "\x7f", "m\xc3\xbcller", "\x1b[2J"}) {
    SCOPED_TRACE(bad);
    EXPECT_THROW(directive_value("slurm.account", bad), Error);
  }
  EXPECT_THROW(directive_value("slurm.account", std::string(1025, 'x')), Error);
  EXPECT_THROW(directive_value("slurm.account", std::string("a\0b", 3)), Error);
}

TEST(Encode, PathsDoublePercentAndRefuseBackslash) {
  EXPECT_EQ(directive_path("the run's folder", "/runs/50%j", "/slurm-%j.log"), "/runs/50%%j/slurm-%j.log");
  EXPECT_EQ(slurm_pattern("the run's folder", "/my runs", "/rank-%4t.log"), "/my runs/rank-%4t.log");
  EXPECT_THROW(directive_path("the run's folder", "/a\\b", "/x"), Error);
}

TEST(Encode, ShellWordsAreInert) {
  EXPECT_EQ(shell_word("run", "/a b/$(id)`x`"), "'/a b/$(id)`x`'");
  EXPECT_EQ(shell_word("run", "it's"), "'it'\\''s'");
  EXPECT_THROW(shell_word("run", "a\nb"), Error);
}

TEST(Encode, OptionsKeepTheirNameAndQuoteTheirValue) {
  EXPECT_EQ(directive_option("extra_sbatch", "--contiguous"), "--contiguous");
  EXPECT_EQ(directive_option("extra_sbatch", "--comment=a b"), "--comment=\"a b\"");
  for (const char* bad : {"", "-N4", "--", "--a b", "nodes", "--n=\n", "--n=", "--1", "--a\"=x", "-- =x"})
    EXPECT_THROW(directive_option("extra_sbatch", bad), Error) << bad;
}

TEST(Encode, PathsMayNameVariablesAndNothingElse) {
  EXPECT_EQ(shell_path("scratch", "/mnt/bb/$USER/x-1.y"), "\"/mnt/bb/$USER/x-1.y\"");
  EXPECT_EQ(shell_path("scratch", "$SLURM_TMPDIR"), "\"$SLURM_TMPDIR\"");
  for (const char* bad :
       {"", "$", "/$(id)", "/`id`", "/a b", "/a\"", "/a\n", "/${X}", "/$1", "/\\", "/a;b", "/\xc3\xa9"})
    EXPECT_THROW(shell_path("scratch", bad), Error) << bad;
}

}  // namespace
}  // namespace pst::cluster
