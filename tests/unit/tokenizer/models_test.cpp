// SPDX-License-Identifier: Apache-2.0
// What the kinds of models do with a word, by hand; recorded fixtures say the same of whole tokenizers.
#include <gmock/gmock.h>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/rng.hpp"
#include "small_tokenizer.hpp"
#include "tokenizer/library_number.hpp"

namespace pst::tokenizer {
namespace {

using fixture::Json;
using testing::ElementsAre;

Tokenizer of_model(const std::string& model) {
  return fixture::parsed({{"version", "1.0"}, {"model", Json::parse(model)}});
}

TEST(Unigram, TakesTheLargestSumAndTheFirstOfEqualOnes) {
  const Tokenizer tokenizer = of_model(
      R"({"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["a", -2], ["aa", -4], ["aaa", -7], ["b", -1]]})");
  EXPECT_THAT(tokenizer.encode("aa"), ElementsAre(2));      // -4 and -2-2: the longer came first
  EXPECT_THAT(tokenizer.encode("aaa"), ElementsAre(1, 2));  // -6 both ways: the one whose last token begins first
  EXPECT_THAT(tokenizer.encode("xyb"), ElementsAre(0, 4));  // unknown neighbours are one
}

TEST(Unigram, ScoresAreReadAsTheLibraryReadsThem) {
  EXPECT_EQ(as_library_reads(-11.0), -11.0);
  EXPECT_EQ(as_library_reads(0.25), 0.25);
  EXPECT_EQ(as_library_reads(0), 0);
  EXPECT_EQ(as_library_reads(-7.6182780265808105), -7.618278026580811);
  EXPECT_EQ(as_library_reads(-9.033280372619629), -9.033280372619627);
  EXPECT_EQ(as_library_reads(1e-320), 1e-320);
  EXPECT_EQ(as_library_reads(1e300), 1e300);

  // Recorded with tokenizers 0.23.3: of 23 letters two ways are as likely, but for the last bit of a score.
  const std::string vocabulary = R"("type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["x", -8.315566062927246],
    ["xx", -11.559264183044434], ["xxx", -12.240331649780273], ["xxxx", -13.463018417358398],
    ["xxxxxxxx", -14.019243240356445]])";
  const std::string text(23, 'x');
  EXPECT_THAT(of_model("{" + vocabulary + "}").encode(text), ElementsAre(3, 5, 5, 4));
  EXPECT_THAT(of_model(R"({"exact_scores": true, )" + vocabulary + "}").encode(text), ElementsAre(3, 4, 5, 5));
}

TEST(Unigram, WithoutAnUnknownTokenTheCharacterIsNamed) {
  const Tokenizer tokenizer = of_model(R"({"type": "Unigram", "vocab": [["a", -2]]})");
  EXPECT_THAT(tokenizer.encode("a"), ElementsAre(0));
  try {
    tokenizer.encode("ax");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), testing::HasSubstr("no token for \"x\""));
  }
}

TEST(WordPiece, OneMissingPieceMakesTheWholeWordUnknown) {
  const Tokenizer tokenizer = of_model(
      R"({"type": "WordPiece", "unk_token": "?", "max_input_chars_per_word": 5, "vocab": {"?": 0, "ab": 1, "##c": 2, "abc": 3}})");
  EXPECT_THAT(tokenizer.encode("abcc"), ElementsAre(3, 2));
  EXPECT_THAT(tokenizer.encode("abx"), ElementsAre(0));
  EXPECT_THAT(tokenizer.encode("abcccc"), ElementsAre(0));  // too long
}

TEST(WordLevel, AWordOrTheUnknownOne) {
  const Tokenizer tokenizer = of_model(R"({"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "ab": 1}})");
  EXPECT_THAT(tokenizer.encode("ab"), ElementsAre(1));
  EXPECT_THAT(tokenizer.encode("abc"), ElementsAre(0));
}

/// Words are cut where no merge crosses, and remembered: the same words again, and beside each other, give the same.
TEST(Bpe, AWordCutInStretchesIsTheWholeWordMerged) {
  Json vocab = {{"<unk>", 0}, {"_", 1},   {"a", 2},  {"b", 3},        {"c", 4},         {"ab", 5},
                {"_a", 6},    {"_ab", 7}, {"bc", 8}, {"\xc3\xa4", 9}, {"b\xc3\xa4", 10}};
  Json model = {{"type", "BPE"},
                {"unk_token", "<unk>"},
                {"fuse_unk", true},
                {"vocab", vocab},
                {"merges", {"b c", "a b", "_ a", "_ ab", "b \xc3\xa4"}}};
  const Tokenizer cut = fixture::parsed({{"version", "1.0"}, {"model", model}});
  model["continuing_subword_prefix"] = "";
  // With ignore_merges words are not cut; no whole word of these is a token.
  model["ignore_merges"] = true;
  const Tokenizer whole = fixture::parsed({{"version", "1.0"}, {"model", model}});
  const Rng rng(3);
  const std::vector<std::string> letters = {"_", "a", "b", "c", "\xc3\xa4", "x", "\xe2\x82\xac"};
  for (std::uint64_t round = 0; round < 2000; ++round) {
    const Rng r = rng.child(round);
    std::string text = "cc";
    for (std::uint64_t i = 0, n = r.below(60, 0); i < n; ++i) text += letters[r.below(letters.size(), i + 1)];
    ASSERT_EQ(cut.encode(text), whole.encode(text)) << text;
  }
}

TEST(Bpe, OneWordOfAMegabyteTakesLinearTime) {
  Json vocab = {{"a", 0}, {"aa", 1}, {"aaaa", 2}};
  const Tokenizer tokenizer = fixture::parsed(
      {{"version", "1.0"}, {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", {"a a", "aa aa"}}}}});
  const auto seconds_for = [&](std::size_t size) {
    const double start_s = thread_cpu_seconds();
    EXPECT_EQ(tokenizer.encode(std::string(size, 'a')).size(), size / 4);
    return thread_cpu_seconds() - start_s;
  };
  seconds_for(1 << 16);
  EXPECT_LT(seconds_for(1 << 20), 40 * seconds_for(1 << 16) + 0.1);  // 16 times the work, and its logarithm
}

}  // namespace
}  // namespace pst::tokenizer
