// SPDX-License-Identifier: Apache-2.0
#include "runs/progress.hpp"

#include <gmock/gmock.h>

namespace pst::runs {
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

}  // namespace
}  // namespace pst::runs
