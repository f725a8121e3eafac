// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace pst::tokenizer::fixture {

using Json = nlohmann::json;

/// A character as UTF-8, for the byte alphabet (below U+0800).
inline std::string letter(int c) {
  if (c < 0x80) return {static_cast<char>(c)};
  return {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
}

/// The letter of the byte alphabet that stands for a byte.
inline std::string byte_letter(int byte) {
  const auto itself = [](int b) { return (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae; };
  if (itself(byte)) return letter(byte);
  int next = 0x100;
  for (int b = 0; b < byte; ++b) next += itself(b) ? 0 : 1;
  return letter(next);
}

/// All 256 letters of the byte alphabet as tokens 0 .. 255 (by byte), then one token per merge.
inline Json small(const std::vector<std::pair<std::string, std::string>>& merges = {}) {
  Json vocab = Json::object(), pairs = Json::array();
  for (int byte = 0; byte < 256; ++byte) vocab[byte_letter(byte)] = byte;
  for (const auto& [a, b] : merges) {
    pairs.push_back({a, b});
    if (!vocab.contains(a + b)) vocab[a + b] = vocab.size();
  }
  return {{"version", "1.0"},
          {"added_tokens", Json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
          {"post_processor", nullptr},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", pairs}}}};
}

inline Tokenizer parsed(const Json& json) { return Tokenizer::parse(json.dump(), "tokenizer.json"); }

}  // namespace pst::tokenizer::fixture
