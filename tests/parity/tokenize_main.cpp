// SPDX-License-Identifier: Apache-2.0
// tokenize MODEL_DIR [--repeat N] < texts.jsonl
// One JSON string per line in; one JSON list of ids per line out, or {"error": ...}. With --repeat it encodes all texts
// N times instead and prints the speed.
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "tokenizer/tokenizer.hpp"

namespace {

int repeat(const pst::tokenizer::Tokenizer& tokenizer, const std::vector<std::string>& texts, int times) {
  std::size_t bytes = 0, tokens = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i)
    for (const auto& text : texts) {
      bytes += text.size();
      tokens += tokenizer.encode(text).size();
    }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  std::cout << bytes << " bytes, " << tokens << " tokens, " << static_cast<double>(bytes) / spent.count() / 1e6
            << " MB/s\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    std::cerr << "usage: tokenize MODEL_DIR [--repeat N] < texts.jsonl\n";
    return 64;
  }
  try {
    const auto tokenizer = pst::tokenizer::Tokenizer::load(argv[1]);
    std::vector<std::string> texts;
    for (std::string line; std::getline(std::cin, line);) {
      const auto text = nlohmann::json::parse(line).get<std::string>();
      if (argc == 4) {
        texts.push_back(text);
        continue;
      }
      try {
        std::cout << nlohmann::json(tokenizer.encode(text)).dump() << '\n';
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
