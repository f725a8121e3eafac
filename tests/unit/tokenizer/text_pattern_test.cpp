// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/text_pattern.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"
#include "tokenizer/newer_unicode.hpp"
#include "tokenizer/translate.hpp"

namespace pst::tokenizer {
namespace {

std::vector<std::string> matches(const std::string& pattern, const std::string& text) {
  const Pattern compiled = Pattern::regex(pattern);
  Effort effort(text.size());
  Scan scan(compiled, has_newer_characters(text), effort);
  scan.start(text);
  std::vector<std::string> found;
  while (const auto range = scan.next()) found.push_back(text.substr(range->begin, range->size()));
  return found;
}

std::string refusal(const std::string& pattern) {
  try {
    Pattern::regex(pattern);
    return "accepted";
  } catch (const Error& error) {
    return error.message();
  }
}

using testing::ElementsAre;

TEST(Pattern, ReadsWhatOnigurumaMeans) {
  EXPECT_THAT(matches("\\w+", "a\xc2\xb2\xcc\x81_ \xe2\x80\xbf!"), ElementsAre("a\xc2\xb2\xcc\x81_", "\xe2\x80\xbf"));
  EXPECT_THAT(matches("\\s+", " \xe1\xa0\x8e\xc2\x85"), ElementsAre(" ", "\xc2\x85"));  // U+180E is no white space
  EXPECT_THAT(matches("a{2}+", "aaaaa"), ElementsAre("aaaa"));                          // greedy, repeated
  EXPECT_THAT(matches("a{,2}b", "aab b"), ElementsAre("aab", "b"));
  EXPECT_THAT(matches("a++a|b", "aab"), ElementsAre("b"));  // possessive
  EXPECT_THAT(matches("(?i:'s|'LL)", "'S'll'\xc5\xbf"), ElementsAre("'S", "'ll", "'\xc5\xbf"));
  EXPECT_THAT(matches("^a$", "a\na"), ElementsAre("a", "a"));
  EXPECT_THAT(matches(".+", "a\rb\nc"), ElementsAre("a\rb", "c"));
  EXPECT_THAT(matches("\\p{Han}", "\xe3\x80\x85\xe3\x80\x81"),
              ElementsAre("\xe3\x80\x85"));  // Script, not Script_Extensions
  EXPECT_THAT(matches("\\u0041\\x{42}", "AB"), ElementsAre("AB"));
}

TEST(Pattern, KnowsUnicode16) {
  // U+31350 is a letter and U+1FAE8 a symbol since Unicode 15, U+1CCF0 a digit since 16.
  EXPECT_THAT(matches("\\p{L}", "\xf0\xb1\x8d\x90"), ElementsAre("\xf0\xb1\x8d\x90"));
  EXPECT_THAT(matches("[\\p{S}]", "\xf0\x9f\xab\xa8"), ElementsAre("\xf0\x9f\xab\xa8"));
  EXPECT_THAT(matches("\\d", "\xf0\x9c\xb3\xb0"), ElementsAre("\xf0\x9c\xb3\xb0"));
  EXPECT_THAT(matches("\\P{L}", "\xf0\xb1\x8d\x90"), testing::IsEmpty());
}

TEST(Pattern, EmptyMatchesNeverTouchTheOneBefore) {
  EXPECT_THAT(matches("a*", "aab"), ElementsAre("aa", ""));
  EXPECT_THAT(matches("\\b", "ab c"), ElementsAre("", "", "", ""));
}

TEST(Pattern, RefusesWhatItCannotCarryOver) {
  for (const char* pattern : {"\\h",
                              "\\R",
                              "\\X",
                              "\\K",
                              "(a)\\1",
                              "\\k<n>",
                              "(?<n>a)",
                              "(?m:a)",
                              "(?x)a",
                              "a(?i)b",
                              "[[:alpha:]]",
                              "[a[b]]",
                              "[a&&b]",
                              "[]",
                              "\\p{Greek_Extended}",
                              "\\p{Mn}",
                              "\\pL",
                              "(?i:ss)",
                              "(?i:\xc3\xa4)",
                              "[\\W]",
                              "[\\P{L}]",
                              "a{2}?",
                              "a**",
                              "a{3,2}",
                              "*a",
                              "(*ACCEPT)",
                              "(?~a)",
                              "\\xff",
                              "a\\"})
    EXPECT_THAT(refusal(pattern), testing::HasSubstr("not supported")) << pattern;
  EXPECT_THAT(refusal("(a"), testing::HasSubstr("'(' without its ')'"));
  EXPECT_THAT(refusal(std::string(1 << 17, 'a')), testing::HasSubstr("too long"));
  EXPECT_THAT(refusal("(?<=a+)b"), testing::HasSubstr("cannot be compiled"));
  EXPECT_THAT(refusal("(?:(?:a{60000}){60000}){60000}"), testing::HasSubstr("cannot be compiled"));
}

}  // namespace
}  // namespace pst::tokenizer
