// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "core/strings.hpp"

namespace pst::datarules::fixture {

/// A rule, the content of a file that trips it, and of one that is as near and does not.
struct RuleCase {
  std::string rule, trips, clean;
  std::string name = "data.jsonl";
  std::string validation_trips = {}, validation_clean = {};  ///< of a second file, where it takes two
  bool has_model = false;                                    ///< a model folder is looked at
  std::string chat_template = {};                            ///< of it
  std::string clean_template = {};  ///< of it, for the file that does not trip; empty: the same
  std::string tokenizer = {};       ///< its tokenizer.json; empty: a token for each byte
  int max_length = 1024;
  std::string line = "1";  ///< where it is found in the file
};

std::vector<RuleCase> file_cases();
std::vector<RuleCase> text_cases();
std::vector<RuleCase> personal_cases();
std::vector<RuleCase> set_cases();
std::vector<RuleCase> tool_cases();
std::vector<RuleCase> token_cases();

/// One line of JSON. The arguments are JSON strings' insides.
inline std::string pair(const std::string& prompt, const std::string& completion) {
  return cat(R"({"prompt": ")", prompt, R"(", "completion": ")", completion, "\"}\n");
}
inline std::string answer(const std::string& completion) { return pair("Why is that so?", completion); }
/// Roles and contents in turn.
inline std::string chat(const std::vector<std::string>& turns) {
  std::string messages;
  for (std::size_t i = 0; i + 1 < turns.size(); i += 2)
    messages += cat(i > 0 ? ", " : "", R"({"role": ")", turns[i], R"(", "content": ")", turns[i + 1], "\"}");
  return cat(R"({"messages": [)", messages, "]}\n");
}
inline std::string times(int count, const std::string& text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}
/// `count` different words, in prose of sentences.
inline std::string prose(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    std::string word;
    for (int rest = i + 27; rest > 0; rest /= 26) word += static_cast<char>('a' + rest % 26);
    text += cat(i > 0 ? " " : "", word, "ore", i % 9 == 8 ? "." : "");
  }
  return text + ".";
}

}  // namespace pst::datarules::fixture
