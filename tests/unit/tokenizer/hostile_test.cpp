// SPDX-License-Identifier: Apache-2.0
// Text and tokenizer.json come from strangers: work stays near linear, and nothing crashes.
#include <gmock/gmock.h>

#include <bit>
#include <cstring>

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

template <class Body>
std::string fixture_error(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.message();
  }
  return "nothing was thrown";
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
    const double start_s = thread_cpu_seconds();
    const auto pieces = tokenizer.encode_pieces(text);
    EXPECT_LT(thread_cpu_seconds() - start_s, 20) << unit;  // quadratic work would take minutes
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

Json split_by(const std::string& regex) {
  return {{"type", "Sequence"},
          {"pretokenizers",
           {{{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}},
            {{"type", "ByteLevel"}, {"use_regex", false}}}}};
}

/// Each search alone is within its limit: it is their number that makes it long.
TEST(HostilePattern, SlowAtEveryByteEndsInTime) {
  for (const char* regex : {"(?:.|.){22}(?=\\d)", "(?:.|.){12}(?=\\d)", "(?:a|a?)+b", "(?=(?:a*)*b)a"}) {
    Json json = small();
    json["pre_tokenizer"] = split_by(regex);
    const Tokenizer tokenizer = parsed(json);
    const double start_s = thread_cpu_seconds();
    try {
      tokenizer.encode(std::string(100'000, 'a'));
    } catch (const Error& error) {  // or it was fast enough: it ended, which is what counts
      EXPECT_EQ(error.fault(), Fault::data);
    }
    EXPECT_LT(thread_cpu_seconds() - start_s, 10) << regex;
  }
}

/// One search of these took 22 s inside of machine code, where PCRE2's limits count next to nothing.
TEST(HostilePattern, OneSearchOfManyStepsEndsInTime) {
  for (const char* regex :
       {"(?=a)(?:[ab]*?[ab]++){0,99}(?=\\d)", "(?:(?:a|ab)*a+){22}\\d", "a*a*a*a*[bc]",
        "(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)"
        "(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)(?:a|.)[bc]",
        "a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaaaaaaaaaaaaaaa[bc]"}) {
    Json json = small();
    json["pre_tokenizer"] = split_by(regex);
    const Tokenizer tokenizer = parsed(json);
    const double start_s = thread_cpu_seconds();
    EXPECT_THROW(tokenizer.encode(std::string(20'000, 'a')), Error) << regex;
    EXPECT_LT(thread_cpu_seconds() - start_s, 2) << regex;
  }
}

/// A word of any length is one search that walks far, and a good pattern pays nothing for it.
TEST(HostilePattern, LongMatchesAreNoBacktracking) {
  const Tokenizer tokenizer = parsed(small());
  for (const std::string unit : {"a", " ", "1", "!", "\n"})
    EXPECT_NO_THROW(tokenizer.encode("x" + repeat(unit, 2'000'000) + "y")) << unit;
}

TEST(HostileFile, ChainedStepsDoNotMultiplyTheText) {
  Json doubles = Json::array(), longer = Json::array();
  for (int i = 0; i < 40; ++i)
    doubles.push_back({{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}});
  Json json = small();
  json["normalizer"] = {{"type", "Sequence"}, {"normalizers", doubles}};
  EXPECT_THAT(fixture_error([&] { parsed(json).encode("a"); }), testing::HasSubstr("makes more than 1.0 MiB"));

  json["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(1 << 20, 'b')}};
  EXPECT_THAT(fixture_error([&] { parsed(json).encode(repeat("a", 10'000)); }), testing::HasSubstr("makes more than"));

  // Each sign is put before the words that the other one made: their number grows as Fibonacci's.
  for (int i = 0; i < 30; ++i)
    longer.push_back({{"type", "Metaspace"}, {"replacement", i % 2 ? "_" : "^"}, {"prepend_scheme", "always"}});
  json["normalizer"] = nullptr;
  json["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", longer}};
  EXPECT_THAT(fixture_error([&] { parsed(json).encode("a"); }), testing::HasSubstr("makes more than 1.0 MiB"));

  json = small();
  json["decoder"] = {{"type", "Sequence"}, {"decoders", doubles}};
  const Tokenizer decodes = parsed(json);
  EXPECT_THAT(fixture_error([&] { decodes.decode(decodes.encode("a")); }), testing::HasSubstr("makes more than"));
}

TEST(HostileFile, AddedTokensWithALongBeginningInCommon) {
  Json json = small();
  json["added_tokens"] = {{{"id", 256}, {"content", repeat("a", 1000) + "b"}, {"normalized", false}}};
  const Tokenizer tokenizer = parsed(json);
  EXPECT_NO_THROW(tokenizer.encode(repeat("a", 500)));
  const double start_s = thread_cpu_seconds();
  try {
    tokenizer.encode(repeat("a", 400'000));
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
  }
  EXPECT_LT(thread_cpu_seconds() - start_s, 15);
}

/// Where a table's entries lie depended on constants of the source. These words of 16 bytes all lay at one place: the
/// second half is chosen so that it undoes what the first half adds.
TEST(HostileFile, WordsMadeToCollideDoNot) {
  constexpr int kMany = 60'000;
  Json json = small();
  json["model"]["ignore_merges"] = true;
  json["pre_tokenizer"]["use_regex"] = false;
  Json& vocab = json["model"]["vocab"];
  for (std::uint64_t i = 0, made = 0; made < kMany; ++i) {
    const std::uint64_t low =
        0x6161616161616161 + (i & 15) + (i >> 4 & 15) * 0x100 + (i >> 8 & 15) * 0x10000 + (i >> 12 & 15) * 0x1000000;
    const std::uint64_t high = std::rotr(low ^ 0x0202020202020202, 29);
    std::string word(16, '\0');
    std::memcpy(word.data(), &low, 8), std::memcpy(word.data() + 8, &high, 8);
    std::string token;
    for (const char c : word) token += fixture::byte_letter(static_cast<unsigned char>(c));
    if (vocab.contains(token)) break;
    vocab[token] = vocab.size();
    ++made;
  }
  ASSERT_GT(vocab.size(), 50'000u);
  const double start_s = thread_cpu_seconds();

  const Tokenizer tokenizer = parsed(json);

  EXPECT_LT(thread_cpu_seconds() - start_s, 3);  // quadratic: 60,000 x 60,000 / 2 probes
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
