// SPDX-License-Identifier: Apache-2.0
#include "core/time_limit.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

namespace pst {
namespace {

TEST(TimeLimit, EndsWhatHangsWithAnError) {
  EXPECT_EXIT(
      {
        end_after(0.05, "it took longer than 0.05 s", "give it more");
        for (;;) ::pause();
      },
      testing::ExitedWithCode(75), "error.transient.: it took longer than 0.05 s\n  try: give it more");
}

TEST(TimeLimit, OfZeroIsNone) {
  EXPECT_EXIT(
      {
        end_after(0, "", "");
        ::usleep(100'000);
        ::_exit(3);
      },
      testing::ExitedWithCode(3), "");
}

}  // namespace
}  // namespace pst
