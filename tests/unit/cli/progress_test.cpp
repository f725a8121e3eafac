// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.hpp"

#include <gmock/gmock.h>

#include <sstream>

namespace pst::cli {
namespace {

TEST(ProgressLine, IsTheOneWePromise) {
  const Progress progress = {
      .step = 12, .total_steps = 60, .loss = 1.2341, .lr = 3.1e-4, .tokens_per_s = 812.4, .seconds_left = 71.2};
  EXPECT_EQ(to_line(progress), "step 12/60  loss 1.234  lr 3.1e-04  812 tokens/s  01:12 left");
}

TEST(ProgressLine, LeavesOutWhatIsNotKnownAndGroupsWhatIsLarge) {
  EXPECT_EQ(to_line({.step = 0, .total_steps = 60}), "step 0/60");
  EXPECT_EQ(to_line({.step = 3, .loss = 0.5, .tokens_per_s = 1234567, .seconds_left = 3723, .validation_loss = 0.25}),
            "step 3  loss 0.500  validation 0.250  1,234,567 tokens/s  1:02:03 left");
}

TEST(LiveLine, OnATerminalReplacesItselfInPlace) {
  std::ostringstream out;
  LiveLine line(out, LiveLine::Kind::in_place);

  line.show("one");
  line.show("one");
  line.show("two");
  line.finish();

  EXPECT_EQ(out.str(), "\rone\x1b[K\rtwo\x1b[K\n");
}

TEST(LiveLine, ElsewherePrintsALineNowAndThenAndTheLastAlways) {
  std::ostringstream out;
  LiveLine line(out, LiveLine::Kind::lines, /*every_s=*/1000);

  line.show("one");
  line.show("two");
  line.show("three");
  line.finish();

  EXPECT_EQ(out.str(), "one\nthree\n");
}

}  // namespace
}  // namespace pst::cli
