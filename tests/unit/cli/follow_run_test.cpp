// SPDX-License-Identifier: Apache-2.0
#include "cli/observe/follow_run.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::cli {
namespace {

using rundir::State;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string remedy_of(const rundir::RunState& state) {
  const fixture::TemporaryDirectory dir;
  try {
    report_end(fixture::new_run(dir.path(), "made"), state);
  } catch (const Error& error) {
    return error.remedy();
  }
  return "nothing was thrown";
}

TEST(ReportEnd, AlwaysSaysSomethingToDoBesideReadingTheLogs) {
  for (const Fault fault :
       {Fault::usage, Fault::data, Fault::unfit, Fault::io, Fault::transient, Fault::stopped, Fault::bug}) {
    const std::string remedy =
        remedy_of({.state = State::failed, .reason = "why", .attempt = 1, .exit = exit_status(fault)});
    EXPECT_THAT(remedy, HasSubstr("peft-studio logs ")) << name_of(fault);
    EXPECT_THAT(remedy, Not(StartsWith("peft-studio logs"))) << name_of(fault);
    EXPECT_THAT(remedy, Not(HasSubstr(" RUN"))) << "the run's own name: " << remedy;
  }
}

TEST(ReportEnd, KeepsTheRemedyOfWhoKnewBetter) {
  EXPECT_THAT(remedy_of({.state = State::failed, .reason = "why", .attempt = 1, .remedy = "mend it", .exit = 65}),
              AllOf(StartsWith("mend it; what its processes said: peft-studio logs "), Not(EndsWith("RUN"))));
}

TEST(ReportEnd, OfARunThatNeverBeganNamesNoLogs) {
  EXPECT_THAT(remedy_of({.state = State::cancelled, .exit = 76}), Not(HasSubstr("logs")));
}

}  // namespace
}  // namespace pst::cli
