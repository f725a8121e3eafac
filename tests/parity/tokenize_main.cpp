// SPDX-License-Identifier: Apache-2.0
// tokenize MODEL_DIR [--transformers] [--repeat N | --pieces | --special] < texts.jsonl
// One JSON string per line in; one JSON list of ids per line out, or {"error": ...}. With --pieces each id comes as
// [id, begin, end], with --special the tokens that stand around a text come too. With --repeat it encodes all texts N
// times instead and prints the speed, of ids alone and of ids with places. --transformers is model.tokenizer's word.
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "families/open_tokenizer.hpp"

namespace {

/// @param encode  returns the number of tokens. @return MB/s
template <class Encode>
double speed(const std::vector<std::string>& texts, int times, Encode encode) {
  std::size_t bytes = 0;
  const std::clock_t start = std::clock();  // of the processor, as others may be at work
  for (int i = 0; i < times; ++i)
    for (const auto& text : texts) {
      bytes += text.size();
      encode(text);
    }
  const double spent_s = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  return static_cast<double>(bytes) / spent_s / 1e6;
}

int repeat(const pst::tokenizer::Tokenizer& tokenizer, const std::vector<std::string>& texts, int times) {
  std::size_t tokens = 0;
  const double ids = speed(texts, times, [&](const auto& text) { tokens += tokenizer.encode(text).size(); });
  const double places = speed(texts, times, [&](const auto& text) { tokenizer.encode_pieces(text); });
  std::cout << tokens << " tokens, " << ids << " MB/s, with their places " << places << " MB/s\n";
  return 0;
}

nlohmann::json answer(const pst::tokenizer::Tokenizer& tokenizer, const std::string& text, const std::string& form) {
  using pst::tokenizer::Around;
  if (form.empty()) return tokenizer.encode(text);
  nlohmann::json list = nlohmann::json::array();
  const bool special = form == "--special";
  for (const auto& piece : tokenizer.encode_pieces(text, special ? Around::special_tokens : Around::nothing)) {
    if (special)
      list.push_back(piece.id);
    else
      list.push_back({piece.id, piece.begin, piece.end});
  }
  return list;
}

}  // namespace

int main(int argc, char** argv) {
  using pst::families::TokenizerPipeline;
  TokenizerPipeline pipeline = TokenizerPipeline::file;
  if (argc > 2 && std::string(argv[2]) == "--transformers") {
    pipeline = TokenizerPipeline::transformers;
    argv[2] = argv[1];
    ++argv;
    --argc;
  }
  if (argc < 2 || argc > 4) {
    std::cerr << "usage: tokenize MODEL_DIR [--transformers] [--repeat N | --pieces | --special] < texts.jsonl\n";
    return 64;
  }
  try {
    const auto tokenizer = pst::families::open_tokenizer(argv[1], pipeline);
    std::vector<std::string> texts;
    for (std::string line; std::getline(std::cin, line);) {
      const auto text = nlohmann::json::parse(line).get<std::string>();
      if (argc == 4) {
        texts.push_back(text);
        continue;
      }
      try {
        std::cout << answer(tokenizer, text, argc == 3 ? argv[2] : "").dump() << '\n';
      } catch (const pst::Error& error) {
        std::cout << nlohmann::json{{"error", error.what()}}.dump() << '\n';
      }
    }
    return argc == 4 ? repeat(tokenizer, texts, std::stoi(argv[3])) : 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 65;
  }
}
