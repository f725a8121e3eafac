// SPDX-License-Identifier: Apache-2.0
// Text and tokenizer.json come from strangers: work stays near linear, and nothing crashes.
#include <gmock/gmock.h>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/rng.hpp"
#include "small_tokenizer.hpp"
#include "source_tree.hpp"

namespace pst::tokenizer {
namespace {

using fixture::Json;
using fixture::parsed;
using fixture::small;

std::string repeat(const std::string& text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

/// Merges that build ever longer runs of one letter.
std::vector<std::pair<std::string, std::string>> doubling(const std::string& letter) {
  std::vector<std::pair<std::string, std::string>> merges;
  for (std::size_t size = 1; size <= 64; size *= 2) merges.emplace_back(repeat(letter, size), repeat(letter, size));
  return merges;
}

TEST(HostileText, ManyOfAnythingTakeNoTime) {
  constexpr std::size_t kMany = 400'000;
  Json json = small(doubling("a"));
  json["normalizer"] = {{"type", "NFC"}};
  const auto next = static_cast<int>(json["model"]["vocab"].size());
  json["added_tokens"] = {{{"id", next}, {"content", "<x>"}, {"lstrip", true}, {"rstrip", true}},
                          {{"id", next + 1}, {"content", "<w>"}, {"single_word", true}},
                          {{"id", next + 2}, {"content", repeat("<", 1000) + "y"}, {"normalized", false}}};
  const Tokenizer tokenizer = parsed(json);

  for (const std::string unit :
       {"a", " ", "\n", " \t", "'", "1", "<", "<x", " <x> ", "<w>", "\xcc\x81\xcc\x96", "e\xcc\x81", "\xea\xb0\x81",
        "\xe1\x84\x80", "\xf0\x9f\x98\x80", "\xe2\x80\x8d", "a ", "\x01"}) {
    const std::string text = repeat(unit, kMany / unit.size());
    const double start = monotonic_seconds();
    const auto pieces = tokenizer.encode_pieces(text);
    EXPECT_LT(monotonic_seconds() - start, 20) << unit;  // quadratic work would take minutes
    ASSERT_FALSE(pieces.empty());
    EXPECT_EQ(pieces.back().end, text.size()) << unit;
  }
}

TEST(HostileText, ARunOfOneLetterIsExact) {
  const Tokenizer tokenizer = parsed(small(doubling("a")));
  const auto ids = tokenizer.encode(std::string(128 * 5000, 'a'));
  EXPECT_THAT(ids, testing::AllOf(testing::SizeIs(5000), testing::Each(262)));
}

TEST(HostilePattern, ExponentialBacktrackingEndsWithAnError) {
  Json json = small();
  json["pre_tokenizer"] = {{"type", "Sequence"},
                           {"pretokenizers",
                            {{{"type", "Split"}, {"pattern", {{"Regex", "(?:a+)+(?=c|d)"}}}, {"behavior", "Isolated"}},
                             {{"type", "ByteLevel"}, {"use_regex", false}}}}};
  const Tokenizer tokenizer = parsed(json);
  const double start = monotonic_seconds();
  EXPECT_THROW(tokenizer.encode(std::string(5000, 'a')), Error);
  EXPECT_LT(monotonic_seconds() - start, 60);
}

TEST(HostileFile, TruncationsAndMutantsNeverCrash) {
  const Json file = Json::parse(read_file(fs::path(PST_SOURCE_DIR) / "tests/fixtures/tokenizer/qwen2.json"));
  Json json = file.at("tokenizer");
  json["model"]["merges"] = Json::array({"a b", "c d"});
  json["model"]["vocab"]["ab"] = 1000;
  json["model"]["vocab"]["cd"] = 1001;
  const std::string whole = json.dump();
  const std::string text = "Hello w\xc3\xb6rld, 123 <|im_start|>  e\xcc\x81!\n\n ab cd";
  const Rng rng(11);
  int accepted = 0, refused = 0;
  const auto attempt = [&](const std::string& source) {
    try {
      const Tokenizer tokenizer = Tokenizer::parse(source, "mutant");
      tokenizer.decode(tokenizer.encode(text));
      ++accepted;
    } catch (const Error& error) {
      ASSERT_EQ(error.fault(), Fault::data) << error.what();
      ++refused;
    }
  };

  for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 100) attempt(whole.substr(0, size));
  for (std::uint64_t round = 0; round < 1500; ++round) {
    const Rng r = rng.child(round);
    std::string source = whole;
    // Most edits go to the front and the back, where the structure is; the middle is vocabulary.
    for (std::uint64_t e = 0; e < 1 + r.below(3, 0); ++e) {
      const std::size_t span = std::min<std::size_t>(source.size(), r.below(2, 8 * e + 1) ? 3000 : source.size());
      const std::size_t at =
          r.below(2, 8 * e + 2) ? r.below(span, 8 * e + 3) : source.size() - 1 - r.below(span, 8 * e + 3);
      switch (r.below(4, 8 * e + 4)) {
        case 0: source.erase(at, 1 + r.below(6, 8 * e + 5)); break;
        case 1: source[at] = static_cast<char>(r.below(256, 8 * e + 5)); break;
        case 2: source.insert(at, 1, "0\"{}[],:\\-e"[r.below(11, 8 * e + 5)]); break;
        default: source.insert(at, source.substr(r.below(source.size(), 8 * e + 5), 20)); break;
      }
    }
    attempt(source);
  }

  EXPECT_GT(accepted, 20);
  EXPECT_GT(refused, 300);
}

}  // namespace
}  // namespace pst::tokenizer
