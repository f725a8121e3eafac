// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <thread>

#include "core/error.hpp"
#include "core/file.hpp"
#include "small_tokenizer.hpp"
#include "support/temporary_directory.hpp"

namespace pst::tokenizer {
namespace {

using fixture::Json;
using fixture::parsed;
using fixture::small;
using testing::ElementsAre;

Json added(int id, const std::string& content, bool special) {
  return {{"id", id}, {"content", content}, {"special", special}, {"normalized", false}};
}

TEST(Encode, MergesByRankThenFromTheLeft) {
  // "ab" has the lower rank, so "abc" is ab + c although bc could merge too; "aaa" merges from the left.
  const Tokenizer tokenizer = parsed(small({{"a", "b"}, {"b", "c"}, {"a", "a"}}));
  EXPECT_THAT(tokenizer.encode("abc"), ElementsAre(256, 'c'));
  EXPECT_THAT(tokenizer.encode("xbc"), ElementsAre('x', 257));
  EXPECT_THAT(tokenizer.encode("aaa"), ElementsAre(258, 'a'));
}

TEST(Encode, MergesWrittenAsTextsAreTheSame) {
  Json json = small({{"a", "b"}, {"ab", "c"}});
  json["model"]["merges"] = {"a b", "ab c"};
  EXPECT_THAT(parsed(json).encode("abc"), ElementsAre(257));
}

TEST(Encode, IgnoreMergesTakesTheWholeWord) {
  Json json = small({{"b", "c"}});
  json["model"]["vocab"]["abc"] = 257;  // no merge leads there
  EXPECT_THAT(parsed(json).encode("abc"), ElementsAre('a', 256));
  json["model"]["ignore_merges"] = true;
  EXPECT_THAT(parsed(json).encode("abc"), ElementsAre(257));
}

TEST(Encode, LongAndShortWordsMergeAlike) {
  // The two ways of merging (bpe.cpp) on the same runs: a word of 2 n letters must be the pairs of n halves.
  const Tokenizer tokenizer = parsed(small({{"a", "b"}, {"ab", "ab"}, {"b", "a"}}));
  for (const int times : {4, 16, 18, 20, 22, 24, 300}) {
    std::string text;
    for (int i = 0; i < times; ++i) text += "abab";
    EXPECT_THAT(tokenizer.encode(text), testing::AllOf(testing::SizeIs(times), testing::Each(257))) << times;
  }
}

TEST(Encode, AddedTokensAreFoundLongestFirst) {
  Json json = small();
  json["added_tokens"] = {added(256, "<a>", true), added(257, "<a><b>", false), added(258, "<b>", true)};
  const Tokenizer tokenizer = parsed(json);
  EXPECT_THAT(tokenizer.encode("<a>x<a><b><b>"), ElementsAre(256, 'x', 257, 258));
  EXPECT_EQ(tokenizer.decode(std::vector{256, int{'x'}, 257}, /*keep_special=*/false), "x<a><b>");
  EXPECT_TRUE(tokenizer.is_special(256));
  EXPECT_FALSE(tokenizer.is_special(257));
  EXPECT_FALSE(tokenizer.is_special(-1));
  EXPECT_EQ(tokenizer.id_of("<b>"), 258);
  EXPECT_EQ(tokenizer.id_of("nosuch"), std::nullopt);
  EXPECT_EQ(tokenizer.vocabulary_size(), 259);
}

TEST(Encode, SingleWordTokensStandAlone) {
  Json json = small();
  json["added_tokens"] = {{{"id", 256}, {"content", "on"}, {"single_word", true}}};
  const Tokenizer tokenizer = parsed(json);
  for (const char* alone : {"on", " on.", "(on)", "\xc2\xb2on"})  // a superscript is no part of a word
    EXPECT_THAT(tokenizer.encode(alone), testing::Contains(256)) << alone;
  for (const char* inside : {"one", "_on", "on\xcc\x81", "on\xe2\x80\x8d", "2on", "\xc3\xa9on"})
    EXPECT_THAT(tokenizer.encode(inside), testing::Not(testing::Contains(256))) << inside;
}

TEST(Encode, PiecesCoverTheOriginalText) {
  Json json = small({{"h", "e"}});
  json["added_tokens"] = {added(257, "<s>", true)};
  const auto pieces = parsed(json).encode_pieces("he<s> \xc3\xa9");
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (const Piece& piece : pieces) ranges.emplace_back(piece.begin, piece.end);
  using Range = std::pair<std::size_t, std::size_t>;
  EXPECT_THAT(ranges, ElementsAre(Range{0, 2}, Range{2, 5}, Range{5, 6}, Range{6, 7}, Range{7, 8}));
}

TEST(Encode, PiecesOfNormalizedTextClaimWhatWasChangedTogether) {
  Json json = small();
  json["normalizer"] = {{"type", "NFC"}};
  const std::string text = "xe\xcc\x81y";  // e and a combining acute become one character of two bytes
  const auto pieces = parsed(json).encode_pieces(text);
  ASSERT_EQ(pieces.size(), 4u);
  EXPECT_EQ(pieces[0].end, 1u);
  for (const std::size_t i : {1u, 2u}) {
    EXPECT_EQ(pieces[i].begin, 1u);
    EXPECT_EQ(pieces[i].end, 4u);
  }
  EXPECT_EQ(pieces[3].begin, 4u);
}

TEST(Encode, WhatWasPutInStandsForNothing) {
  Json json = small({{"\xc4\xa0", "a"}});
  json["pre_tokenizer"]["add_prefix_space"] = true;
  const auto pieces = parsed(json).encode_pieces("a");
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].id, 256);
  EXPECT_EQ(pieces[0].begin, 0u);
  EXPECT_EQ(pieces[0].end, 1u);
}

TEST(Encode, TextThatIsNotUtf8IsRefusedWithItsPlace) {
  const Tokenizer tokenizer = parsed(small());
  for (const char* bad : {"ab\xff", "ab\xc3", "ab\xed\xa0\x80", "ab\xc0\x80", "ab\xf4\x90\x80\x80"}) {
    try {
      tokenizer.encode(bad);
      FAIL() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data);
      EXPECT_THAT(error.what(), testing::HasSubstr("byte 2 of"));
    }
  }
}

TEST(Decode, MalformedBytesBecomeReplacementCharacters) {
  const Tokenizer tokenizer = parsed(small());
  EXPECT_EQ(tokenizer.decode(std::vector{0xe2, 0x82, int{'x'}, 0xff, 0xff}), "\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(tokenizer.bytes_of(0xe2), "\xe2");
  EXPECT_THROW(tokenizer.decode(std::vector{256}), Error);
  EXPECT_THROW(tokenizer.bytes_of(-1), Error);
}

TEST(Tokenizer, LoadReadsTheNamesOfSpecialTokens) {
  const fixture::Json config = {
      {"bos_token", "<s>"}, {"eos_token", {{"content", "</s>"}, {"special", true}}}, {"pad_token", nullptr}};
  const pst::fixture::TemporaryDirectory dir;
  write_durably(dir / "tokenizer.json", small().dump());
  write_durably(dir / "tokenizer_config.json", config.dump());

  const Tokenizer tokenizer = Tokenizer::load(dir.path());

  EXPECT_EQ(tokenizer.special_names().bos, "<s>");
  EXPECT_EQ(tokenizer.special_names().eos, "</s>");
  EXPECT_EQ(tokenizer.special_names().pad, std::nullopt);
}

TEST(Tokenizer, DigestFollowsTheContent) {
  EXPECT_EQ(parsed(small()).digest(), parsed(small()).digest());
  EXPECT_NE(parsed(small()).digest(), parsed(small({{"a", "b"}})).digest());
}

TEST(Tokenizer, IsUsableFromSeveralThreads) {
  Json json = small({{"a", "b"}});
  json["added_tokens"] = {{{"id", 257}, {"content", "one"}, {"single_word", true}}};
  json["normalizer"] = {{"type", "NFKC"}};
  const Tokenizer tokenizer = parsed(json);
  std::string text;
  for (int i = 0; i < 500; ++i) text += "ab one someone \xe3\x8e\xa1 e\xcc\x81 ";
  std::vector<std::vector<std::int32_t>> ids(4);

  std::vector<std::thread> threads;
  for (auto& out : ids) threads.emplace_back([&] { out = tokenizer.encode(text); });
  for (auto& thread : threads) thread.join();

  EXPECT_THAT(ids, testing::Each(tokenizer.encode(text)));
}

}  // namespace
}  // namespace pst::tokenizer
