// SPDX-License-Identifier: Apache-2.0
#include "app/stop_signal.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace pst::app {
namespace {

// In a process of its own: what was remembered stays remembered.
TEST(StopSignalDeathTest, IsRememberedAndEndsNothing) {
  for (const int number : {SIGTERM, SIGINT, SIGUSR2})
    EXPECT_EXIT(
        {
          listen_for_stop();
          const int before = stop_signal();
          std::raise(number);
          std::_Exit(before == 0 && stop_signal() == number ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
}

TEST(StopSignalDeathTest, OthersEndTheProcessAsEver) {
  EXPECT_EXIT(
      {
        listen_for_stop();
        std::raise(SIGUSR1);
      },
      testing::KilledBySignal(SIGUSR1), "");
}

}  // namespace
}  // namespace pst::app
