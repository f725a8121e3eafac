// SPDX-License-Identifier: Apache-2.0
#include "core/printable.hpp"

#include <gmock/gmock.h>

#include <sstream>

namespace pst {
namespace {

TEST(Printable, LeavesNothingThatATerminalObeys) {
  EXPECT_EQ(printable("a\x1b[2J\tb\r\x7f"), "a?[2J b?");
  EXPECT_EQ(printable("▁ü"), "▁ü");
  EXPECT_EQ(printable("one\nerror[io]: two"), "one?error[io]: two");
}

TEST(Printable, TakesC1AndWhatIsNoUtf8ForControls) {
  EXPECT_EQ(printable("a\xc2\x9b"
                      "31mb"),
            "a?31mb");
  EXPECT_EQ(printable("a\x9b"
                      "31mb"),
            "a?31mb");
  EXPECT_EQ(printable("\xe2\x96"), "??");
  EXPECT_EQ(printable("\xc2\xa0"), "\xc2\xa0");
}

TEST(PrintableJson, KeepsTheValueAndShowsNoControl) {
  EXPECT_EQ(printable_json("{\"a\": \"\xc2\x9b\x7f ü\",\n 1}"), "{\"a\": \"\\u009b\\u007f ü\",\n 1}");
}

std::string through_a_buffer(const std::vector<std::string>& pieces) {
  std::stringbuf target;
  {
    PrintableBuffer buffer(target);
    std::ostream out(&buffer);
    for (const auto& piece : pieces) out << piece << std::flush;
    out << '!' << std::flush;
  }
  return target.str();
}

TEST(PrintableBuffer, KeepsLinesAndCharactersThatComeInPieces) {
  EXPECT_EQ(through_a_buffer({"one\n\ttwo", "\x1b[2J"}), "one\n\ttwo?[2J!");
  EXPECT_EQ(through_a_buffer({"\xe2", "\x96", "\x81"}), "\xe2\x96\x81!");
  EXPECT_EQ(through_a_buffer({"\xc2", "\x9b"}), "?!");
  EXPECT_EQ(through_a_buffer({"\xe2", "\x96"}),
            "?"
            "?!");
}

TEST(PrintableBuffer, LetsThisProgramSpeakToTheTerminal) {
  std::stringbuf target;
  PrintableBuffer buffer(target);
  std::ostream out(&buffer);

  out << "a\x1b[K";
  put_control(out, "\x1b[K");

  EXPECT_EQ(target.str(), "a?[K\x1b[K");
}

}  // namespace
}  // namespace pst
