// SPDX-License-Identifier: Apache-2.0
#include "cluster/capture.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "support/fake_programs.hpp"

namespace pst::cluster {
namespace {

TEST(Capture, ReturnsStatusAndBothStreams) {
  const fixture::FakePrograms fake;
  fake.add("tool", "printf '%s|' \"$@\"; echo trouble >&2; cat; exit 3");

  const Captured answer = capture({.argv = {"tool", "a b", "$HOME", ""}});

  EXPECT_EQ(answer.status, 3);
  EXPECT_EQ(answer.out, "a b|$HOME||");  // no shell looked at it, and `cat` found an empty input
  EXPECT_EQ(answer.err, "trouble\n");
  EXPECT_EQ(answer.words(), "trouble");
}

TEST(Capture, AMissingProgramIsNamedWithTheRemedy) {
  const fixture::FakePrograms fake(fixture::FakePrograms::Path::only);
  try {
    capture({.argv = {"sbatch"}, .remedy_when_missing = "load Slurm"});
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unfit);
    EXPECT_STREQ(error.what(), "error[unfit]: sbatch was not found on PATH\n  try: load Slurm");
  }
}

TEST(Capture, AProgramThatHangsIsKilledWithItsChildren) {
  const fixture::FakePrograms fake;
  fake.add("tool", "sleep 60 & sleep 60");
  const double start = monotonic_seconds();

  EXPECT_THROW(capture({.argv = {"tool"}, .timeout_s = 0.2}), Error);

  EXPECT_LT(monotonic_seconds() - start, 5);
}

TEST(Capture, AProgramThatClosesItsStreamsHasNoLonger) {
  const fixture::FakePrograms fake;
  fake.add("tool", "exec >/dev/null 2>&1; sleep 60");
  const double start = monotonic_seconds();

  EXPECT_THROW(capture({.argv = {"tool"}, .timeout_s = 0.2}), Error);

  EXPECT_LT(monotonic_seconds() - start, 5);
}

TEST(Capture, GivesVariables) {
  const fixture::FakePrograms fake;
  fake.add("tool", "echo \"$PST_NEW.$HOME\"");

  EXPECT_EQ(capture({.argv = {"tool"}, .variables = {{"PST_NEW", "a b"}, {"HOME", "/x"}}}).out, "a b./x\n");
}

TEST(Capture, MoreOutputThanAllowedIsDroppedAndDoesNotBlock) {
  const fixture::FakePrograms fake;
  fake.add("tool", "yes | head -c 3000000");

  const Captured answer = capture({.argv = {"tool"}, .max_output = 1000});

  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.out.size(), 1000u);
}

TEST(Capture, ASignalIsReportedAsTheShellDoes) {
  const fixture::FakePrograms fake;
  fake.add("tool", "kill -KILL $$");
  EXPECT_EQ(capture({.argv = {"tool"}}).status, 137);
}

}  // namespace
}  // namespace pst::cluster
