// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/known_pattern.hpp"

#include <gmock/gmock.h>

#include <random>

#include "tokenizer/character_class.hpp"
#include "tokenizer/newer_unicode.hpp"
#include "tokenizer/text_pattern.hpp"

namespace pst::tokenizer {
namespace {

/// What the regular expression makes of it: the matches, and what is between them.
std::vector<Range> searched(const Pattern& pattern, const std::string& text) {
  Effort effort(text.size());
  Scan scan(pattern, has_newer_characters(text), effort);
  scan.start(text);
  std::vector<Range> pieces;
  std::size_t done = 0;
  while (const auto match = scan.next()) {
    if (done < match->begin) pieces.push_back({done, match->begin});
    if (match->size() > 0) pieces.push_back(*match);
    done = match->end;
  }
  if (done < text.size()) pieces.push_back({done, text.size()});
  return pieces;
}

std::string shown(const std::string& text, const std::vector<Range>& pieces) {
  std::string out;
  for (const Range& piece : pieces) out += "[" + text.substr(piece.begin, piece.size()) + "]";
  return out;
}

void expect_same(const Pattern& pattern, const std::string& text) {
  std::vector<Range> pieces;
  pattern.cutter()(text, 0, pieces);
  const auto expected = searched(pattern, text);
  EXPECT_EQ(pieces, expected) << shown(text, pieces) << "\n" << shown(text, expected);
}

std::string utf8(char32_t c) {
  std::string text;
  append_utf8(text, c);
  return text;
}

/// Each asks another class of character: cases, titles, marks, numbers of all kinds, signs, white space, controls,
/// unassigned ones, those that Unicode got late.
const std::vector<std::string>& pieces() {
  static const std::vector<std::string> all = {"a",
                                               "Bc",
                                               "Z",
                                               "the",
                                               "WORD",
                                               " ",
                                               "  ",
                                               "\t",
                                               "\n",
                                               "\r",
                                               "\r\n",
                                               "\n\n",
                                               "/",
                                               "'",
                                               "'s",
                                               "'S",
                                               "'ll",
                                               "'Re",
                                               "'v",
                                               "'d",
                                               "'M",
                                               "'T",
                                               "''",
                                               "1",
                                               "23",
                                               "4567",
                                               ".",
                                               "!?",
                                               "$",
                                               "_",
                                               "#",
                                               "~",
                                               "\x01",
                                               "\x7f",
                                               "abcdefgh",
                                               "abcdefghijklmnop",
                                               std::string(1, '\0'),
                                               utf8(0xe4),
                                               utf8(0xc4),
                                               utf8(0x17f),
                                               utf8(0x1c5),
                                               utf8(0x2b0),
                                               utf8(0xaa),
                                               utf8(0x301),
                                               utf8(0x20dd),
                                               utf8(0x903),
                                               utf8(0x660),
                                               utf8(0xbd),
                                               utf8(0x2167),
                                               utf8(0x3007),
                                               utf8(0xa0),
                                               utf8(0x85),
                                               utf8(0x2028),
                                               utf8(0x3000),
                                               utf8(0x180e),
                                               utf8(0x200b),
                                               utf8(0xfeff),
                                               utf8(0x2019),
                                               utf8(0x20ac),
                                               utf8(0x4e2d),
                                               utf8(0x9fa5),
                                               utf8(0x9fa6),
                                               utf8(0x3042),
                                               utf8(0x30a2),
                                               utf8(0x3031),
                                               utf8(0xac00),
                                               utf8(0x5d0),
                                               utf8(0x645),
                                               utf8(0x378),
                                               utf8(0xe000),
                                               utf8(0x1f600),
                                               utf8(0x1f3fd),
                                               utf8(0x1d54f),
                                               utf8(0x10ffff),
                                               utf8(0x1ccf0),
                                               utf8(0x105c0),
                                               utf8(0x212a)};
  return all;
}

TEST(KnownPattern, OthersHaveNoCutter) {
  EXPECT_EQ(cutter_of("\\p{L}+"), nullptr);
  EXPECT_EQ(cutter_of("\\p{N}{1,4}"), nullptr);
}

TEST(KnownPattern, ALineEndMayBeWrittenAsItself) {
  const std::string written =
      "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
      "?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";
  EXPECT_NE(cutter_of(written), nullptr);
}

TEST(KnownPattern, CutsMixturesAsTheRegularExpressionDoes) {
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return random() % n; };
  for (const auto source : known_patterns()) {
    SCOPED_TRACE(source);
    const Pattern pattern = Pattern::regex(source);
    for (int i = 0; i < 10'000 && !testing::Test::HasFailure(); ++i) {
      std::string text;
      for (std::size_t n = 1 + below(16); n > 0; --n) {
        const char32_t any = static_cast<char32_t>(below(0x110000));
        text += below(12) > 0 ? pieces()[below(pieces().size())] : utf8(any >= 0xd800 && any < 0xe000 ? U'?' : any);
      }
      expect_same(pattern, text);
    }
  }
}

TEST(KnownPattern, ClassesAreThoseOfTheRegularExpressions) {
  using C = CharacterClass;
  const std::pair<const char*, unsigned> sets[] = {{"[\\p{Lu}\\p{Lt}]+", C::upper},
                                                   {"[\\p{Ll}]+", C::lower},
                                                   {"[\\p{Lm}\\p{Lo}]+", C::uncased},
                                                   {"[\\p{M}]+", C::mark},
                                                   {"[\\p{N}]+", C::number},
                                                   {"[\\p{P}\\p{S}]+", C::sign},
                                                   {"\\s+", C::space},
                                                   {"[\\r\\n]+", C::line_end}};
  std::string text;
  for (char32_t c = 0; c < 0x110000; ++c)
    if (c < 0xd800 || c >= 0xe000) text += utf8(c);
  for (const auto& [source, wanted] : sets) {
    SCOPED_TRACE(source);
    const Pattern pattern = Pattern::regex(source);
    Effort effort(text.size());
    Scan scan(pattern, /*newer=*/true, effort);
    scan.start(text);
    std::size_t at = 0;
    const auto expect_until = [&](std::size_t end, bool inside) {
      while (at < end) {
        const std::size_t begin = at;
        const char32_t c = next_char(text, at);
        const bool has = (look(character_classes(), text, begin).classes & wanted) != 0;
        EXPECT_EQ(has, inside) << std::hex << static_cast<std::uint32_t>(c);
      }
    };
    while (const auto match = scan.next()) {
      expect_until(match->begin, false);
      expect_until(match->end, true);
    }
    expect_until(text.size(), false);
  }
}

TEST(KnownPattern, IsLinear) {
  for (const auto source : known_patterns()) {
    std::vector<Range> pieces;
    for (const char* unit : {" ", "a", "\n", " \xcc\x81", "'", "A\xcc\x81", "1", "AB"}) {
      std::string text;
      while (text.size() < 400'000) text += unit;
      pieces.clear();
      cutter_of(source)(text, 3, pieces);
      ASSERT_FALSE(pieces.empty());
      EXPECT_EQ(pieces.front().begin, 3u);
      EXPECT_EQ(pieces.back().end, text.size() + 3);
    }
  }
}

}  // namespace
}  // namespace pst::tokenizer
