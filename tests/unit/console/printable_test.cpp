// SPDX-License-Identifier: Apache-2.0
#include "console/printable.hpp"

#include <gmock/gmock.h>

namespace pst::console {
namespace {

TEST(Printable, LeavesNothingThatATerminalObeys) {
  EXPECT_EQ(printable("a\x1b[2J\tb\r\x7f"), "a?[2J b?");
  EXPECT_EQ(printable("▁ü"), "▁ü");
}

}  // namespace
}  // namespace pst::console
