// SPDX-License-Identifier: Apache-2.0
#include "core/strings.hpp"

#include <gmock/gmock.h>

#include <iomanip>

#include "core/brief.hpp"

namespace pst {
namespace {

TEST(Strings, NumberReadsBackExactly) {
  for (const double value : {0.0002, 1e-8, 1.0 / 3.0, 32.0, -0.05})
    EXPECT_EQ(to_double(number(value)), value) << number(value);
}

TEST(Strings, ToIntTakesTheWholeTextOrNothing) {
  EXPECT_EQ(to_int("42"), 42);
  for (const char* bad : {"", "4x", " 4", "99999999999999999999", "4.0"}) EXPECT_EQ(to_int(bad), std::nullopt) << bad;
}

TEST(Strings, NearestForgivesTyposOnly) {
  EXPECT_EQ(nearest("alhpa", {"r", "alpha", "dropout"}), "alpha");
  EXPECT_EQ(nearest("dropuot", {"r", "alpha", "dropout"}), "dropout");
  EXPECT_EQ(nearest("colour", {"r", "alpha", "dropout"}), std::nullopt);
}

TEST(Strings, Utf8RefusesOverlongSurrogateAndTruncated) {
  EXPECT_TRUE(is_utf8("h\xc3\xa9llo \xf0\x9f\x98\x80"));
  for (const char* bad : {"\xc0\x80", "\xed\xa0\x80", "\xe2\x82", "\xff", "\xf4\x90\x80\x80"})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(Strings, QuotedShowsControlsAndStaysShort) {
  EXPECT_EQ(quoted("a\nb\"c"), "\"a\\x0ab\\\"c\"");
  EXPECT_LT(quoted(std::string(5000, 'x'), 50).size(), 60u);
}

TEST(Strings, QuotedIsOursAlsoBesideIomanip) {
  std::string text = "a\n";
  const std::string constant = text;
  const std::string expected = "\"a\\x0a\"";
  EXPECT_EQ(cat(quoted(text)), expected);
  EXPECT_EQ(cat(quoted(constant)), expected);
  EXPECT_EQ(cat(quoted(std::string(text))), expected);
  EXPECT_EQ(cat(quoted(std::string_view(text))), expected);
  EXPECT_EQ(cat(quoted("a\n")), expected);
  EXPECT_EQ(cat(quoted(text, 60)), expected);
}

TEST(Strings, AShellReadsOneWordAsItWas) {
  EXPECT_EQ(shell_quoted("/a/b-c_1.jsonl"), "/a/b-c_1.jsonl");
  EXPECT_EQ(shell_quoted("a b"), "'a b'");
  EXPECT_EQ(shell_quoted("it's $(x)"), "'it'\\''s $(x)'");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("-x"), "'-x'");
}

TEST(Strings, HumanUnits) {
  EXPECT_EQ(human_bytes(13314398618ull), "12.4 GiB");
  EXPECT_EQ(human_seconds(127), "2 min 07 s");
  EXPECT_EQ(human_seconds(11100), "3 h 05 min");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
}

TEST(Strings, BriefNeverCutsACharacterNorLeavesTheText) {
  EXPECT_EQ(brief("short"), "short");
  EXPECT_EQ(brief("a\xc3\xa9z", 2), "a...");
  EXPECT_EQ(brief(std::string(50, '\x80'), 10), "...") << "no character at all";
}

}  // namespace
}  // namespace pst
