// SPDX-License-Identifier: Apache-2.0
// tokenizer.json: those of the fixtures, mutated, with steps put in that multiply or backtrack, on texts of many kinds.
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "fuzz/driver.hpp"
#include "source_tree.hpp"
#include "tokenizer/tokenizer.hpp"

namespace pst::fuzz {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

json small() {
  json file = json::parse(read_file(fs::path(PST_SOURCE_DIR) / "tests/fixtures/tokenizer/llama2.json"))["tokenizer"];
  return file;
}

std::vector<std::string> fixtures() {
  std::vector<std::string> all;
  for (const auto& entry : fs::directory_iterator(fs::path(PST_SOURCE_DIR) / "tests/fixtures/tokenizer"))
    all.push_back(json::parse(read_file(entry.path())).at("tokenizer").dump());
  std::sort(all.begin(), all.end());
  return all;
}

/// An expression with repetitions in repetitions.
std::string expression(Draw& draw, int depth = 0) {
  static const std::vector<std::string> kAtoms = {"a",   ".",   "\\p{L}", "\\s", "[ab]",
                                                  "\\w", "a|a", "a|ab",   "\\d", "(?=a)"};
  static const std::vector<std::string> kTimes = {"", "*", "+", "?", "{22}", "{1,9}", "{99}", "*?", "++", "{0,99}"};
  std::string text;
  for (std::size_t i = 0, n = 1 + draw.below(3); i < n; ++i) {
    const bool inner = depth < 4 && draw.one_in(2);
    text += inner ? cat("(?:", expression(draw, depth + 1), ")") : draw.of(kAtoms);
    text += draw.of(kTimes);
    if (draw.one_in(6)) text += "|";
  }
  if (depth == 0 && draw.one_in(2)) text += draw.one_in(2) ? "(?=\\d)" : "b";
  return text;
}

json step(Draw& draw) {
  const std::string sign = draw.of(std::vector<std::string>{"a", "_", "^", " ", "\xe2\x96\x81"});
  switch (draw.below(6)) {
    case 0: return {{"type", "Replace"}, {"pattern", {{"String", sign}}}, {"content", repeated(sign, draw.size(1000))}};
    case 1: return {{"type", "Replace"}, {"pattern", {{"Regex", expression(draw)}}}, {"content", sign}};
    case 2: return {{"type", "Prepend"}, {"prepend", repeated(sign, draw.size(100'000))}};
    case 3: return {{"type", "Metaspace"}, {"replacement", sign}, {"prepend_scheme", "always"}};
    case 4: return {{"type", "Split"}, {"pattern", {{"Regex", expression(draw)}}}, {"behavior", "MergedWithNext"}};
    default: return {{"type", "Split"}, {"pattern", {{"Regex", expression(draw)}}}, {"behavior", "Isolated"}};
  }
}

std::string chained(Draw& draw) {
  json file = small();
  const auto list = [&] {
    json all = json::array();
    for (std::size_t i = 0, n = draw.size(64); i < n; ++i) all.push_back(step(draw));
    return all;
  };
  if (draw.one_in(2)) file["normalizer"] = {{"type", "Sequence"}, {"normalizers", list()}};
  if (draw.one_in(2)) file["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", list()}};
  if (draw.one_in(3)) file["decoder"] = {{"type", "Sequence"}, {"decoders", list()}};
  return file.dump();
}

std::string one_pattern(Draw& draw) {
  json file = small();
  file["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"Regex", expression(draw)}}}, {"behavior", "Isolated"}};
  return file.dump();
}

std::string many_values(Draw& draw) {
  static const std::vector<std::string> kUnits = {"[],", "{},", "0,", "\"\",", "{\"a\":1},", "[[", "{\"a\":"};
  const std::string& unit = draw.of(kUnits);
  return cat("{\"model\":[", repeated(unit, draw.size(3'000'000 / unit.size())), "0]}");
}

/// Tokens and merges that are many, long, and all alike at their beginnings: what is looked for at each place of a
/// text.
std::string vocabulary(Draw& draw) {
  json file = small();
  const std::string sign = draw.of(std::vector<std::string>{"a", "1", " ", "\xe2\x96\x81", "ab"});
  const std::size_t most = draw.size(1500);
  const auto token = [&](std::size_t i) { return repeated(sign, 1 + i) + (draw.one_in(4) ? "b" : ""); };
  if (draw.one_in(2)) {
    for (std::size_t i = 0; i < most; ++i)
      file["added_tokens"].push_back({{"id", 1000 + i},
                                      {"content", token(i)},
                                      {"single_word", draw.one_in(3)},
                                      {"lstrip", draw.one_in(2)},
                                      {"rstrip", draw.one_in(2)},
                                      {"normalized", draw.one_in(2)},
                                      {"special", draw.one_in(2)}});
    return file.dump();
  }
  json vocab = file["model"]["vocab"];
  json pieces = json::array({json::array({"<unk>", 0.0}), json::array({sign, -1.0})}), merges = json::array();
  for (std::size_t i = 0; i < most; ++i) {
    vocab[repeated(sign, 1 + i)] = 700 + i;
    pieces.push_back({token(i), draw.one_in(9) ? -1e308 : -1.0 - static_cast<double>(draw.below(50))});
    const std::size_t left = draw.size(most);
    merges.push_back({repeated(sign, left), repeated(sign, 1 + most - std::min(left, most))});
    merges.push_back(cat(sign, " ", repeated(sign, 1 + i)));
  }
  switch (draw.below(4)) {
    case 0:
      file["model"] = {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", pieces}, {"byte_fallback", draw.one_in(2)}};
      break;
    case 1:
      file["model"] = {{"type", "WordPiece"},
                       {"unk_token", sign},
                       {"continuing_subword_prefix", draw.one_in(2) ? sign : "##"},
                       {"max_input_chars_per_word", draw.size(1'000'000)},
                       {"vocab", vocab}};
      break;
    case 2: file["model"] = {{"type", "WordLevel"}, {"unk_token", sign}, {"vocab", vocab}}; break;
    default:
      file["model"]["vocab"] = vocab;
      file["model"]["merges"] = merges;
      file["model"]["ignore_merges"] = draw.one_in(2);
      break;
  }
  if (draw.one_in(2)) file["normalizer"] = nullptr;
  return file.dump();
}

/// Long, of one thing, of everything.
const std::vector<std::string>& texts() {
  static const std::vector<std::string> all = {"Hello w\xc3\xb6rld, 123 <|im_start|> <s> e\xcc\x81!\n\n ab cd",
                                               repeated("a", 20'000),
                                               repeated(" ", 20'000),
                                               repeated("ab ", 5'000),
                                               repeated("1", 5'000),
                                               repeated("e\xcc\x81\xef\xb7\xba", 2'000)};
  return all;
}

}  // namespace
}  // namespace pst::fuzz

int main(int argc, char** argv) {
  using namespace pst;
  return fuzz::run(argc, argv,
                   {.name = "tokenizer",
                    .parts = {{.name = "tokenizer.json",
                               .seeds = fuzz::fixtures(),
                               .words = {"\"Regex\"",
                                         "\"String\"",
                                         "\"type\"",
                                         "\"Sequence\"",
                                         "\"ByteLevel\"",
                                         "\"Metaspace\"",
                                         "\"Split\"",
                                         "\"Digits\"",
                                         "\"NFKC\"",
                                         "\"Nmt\"",
                                         "\"BertNormalizer\"",
                                         "\"StripAccents\"",
                                         "\"Whitespace\"",
                                         "\"BertPreTokenizer\"",
                                         "\"Punctuation\"",
                                         "\"Unigram\"",
                                         "\"WordPiece\"",
                                         "\"WordLevel\"",
                                         "\"BPEDecoder\"",
                                         "\"CTC\"",
                                         "\"NFD\"",
                                         "\"Lowercase\"",
                                         "\"Prepend\"",
                                         "\"Fuse\"",
                                         "\"Strip\"",
                                         "\"ByteFallback\"",
                                         "\"Isolated\"",
                                         "\"Removed\"",
                                         "\"content\"",
                                         "null",
                                         "{}",
                                         "[]",
                                         "true",
                                         "false",
                                         "(?i)",
                                         "\\\\p{L}",
                                         "+",
                                         "*",
                                         "{1,3}",
                                         "(?!\\\\S)",
                                         "\"id\"",
                                         "\"lstrip\""},
                               .bombs = {fuzz::chained, fuzz::one_pattern, fuzz::many_values, fuzz::vocabulary}}},
                    .read =
                        [](const fuzz::Part&, const std::string& input) {
                          const auto tokenizer = tokenizer::Tokenizer::parse(input, "tokenizer.json");
                          bool refused = false;
                          for (const auto& text : fuzz::texts()) {
                            try {
                              tokenizer.decode(tokenizer.encode(text));
                            } catch (const Error& error) {
                              if (error.fault() != Fault::data) throw;
                              refused = true;
                            }
                          }
                          if (refused) throw Error(Fault::data, "one of the texts was refused");
                        },
                    .slowest_s = 2});
}
