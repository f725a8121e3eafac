// SPDX-License-Identifier: Apache-2.0
#include "cluster/process_mark.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.hpp"

namespace pst::cluster {
namespace {

TEST(ProcessMark, KnowsItselfAndTheDead) {
  EXPECT_EQ(life_of(own_mark()), Life::alive);
  EXPECT_FALSE(mark_of(0x3fffff));  // above the largest pid Linux gives
}

TEST(ProcessMark, ARecycledNumberIsNotTheSameProcess) {
  auto mark = own_mark();
  mark.start_ticks -= 1;

  EXPECT_EQ(life_of(mark), Life::gone);
  EXPECT_FALSE(signal_process(mark, SIGKILL));  // we are still here
}

TEST(ProcessMark, AnotherBootOrHostIsNotThisProcess) {
  auto other_boot = own_mark(), other_host = own_mark();
  other_boot.boot_id = "another";
  other_host.host = "elsewhere";

  EXPECT_FALSE(signal_process(other_boot, SIGKILL));
  EXPECT_EQ(life_of(other_host), Life::unknown);
  EXPECT_THROW(signal_process(other_host, SIGKILL), Error);
}

TEST(ProcessMark, SignalsTheMarkedProcess) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const auto mark = mark_of(child).value();

  EXPECT_TRUE(signal_process(mark, SIGTERM));
  int status = 0;
  ::waitid(P_PID, static_cast<id_t>(child), nullptr, WEXITED | WNOWAIT);
  EXPECT_EQ(life_of(mark), Life::gone) << "it has ended, though nobody asked for its status yet";
  ::waitpid(child, &status, 0);

  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(life_of(mark), Life::gone);
}

}  // namespace
}  // namespace pst::cluster
