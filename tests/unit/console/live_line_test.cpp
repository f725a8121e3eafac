// SPDX-License-Identifier: Apache-2.0
#include "console/live_line.hpp"

#include <gmock/gmock.h>

#include <sstream>

namespace pst::console {
namespace {

TEST(LiveLine, OnATerminalReplacesItselfInPlace) {
  std::ostringstream out;
  LiveLine line(out, LiveLine::Kind::in_place);

  line.show("one");
  line.show("one");
  line.show("two");
  line.finish();

  EXPECT_EQ(out.str(), "\rone\x1b[K\rtwo\x1b[K\n");
}

TEST(LiveLine, ShowsNothingThatATerminalObeys) {
  std::ostringstream out;
  LiveLine line(out, LiveLine::Kind::in_place);

  line.show("is failed (\x1b]0;owned\x07\n)");

  EXPECT_EQ(out.str(),
            "\ris failed (?]0;owned?"
            "?)\x1b[K");
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
}  // namespace pst::console
