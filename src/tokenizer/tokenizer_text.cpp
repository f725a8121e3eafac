// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "core/keyed_hash.hpp"
#include "core/strings.hpp"
#include "tokenizer/byte_alphabet.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::tokenizer {
namespace {

using Ids = std::unordered_map<std::string_view, std::size_t, KeyedHash>;

struct Split {
  double score;
  std::size_t left, right;            // ids
  std::size_t left_size, right_size;  // characters
};

std::string added_json(const TokenizerText::Added& token) {
  const auto flag = [](bool value) { return value ? "true" : "false"; };
  return cat("{\"id\": ", token.id, ", \"content\": ", json_quoted(token.content),
             ", \"special\": ", flag(token.special), ", \"lstrip\": ", flag(token.lstrip),
             ", \"rstrip\": ", flag(token.rstrip), ", \"single_word\": ", flag(token.single_word),
             ", \"normalized\": ", flag(token.normalized), "}");
}

/// TemplateProcessing; the names are only names.
std::string post_processor_json(const TokenizerText& text) {
  if (text.before.empty() && text.after.empty()) return "null";
  std::string single, special;
  const auto put = [&](std::int64_t id) {
    single += cat(single.empty() ? "" : ", ", "{\"SpecialToken\": {\"id\": \"", id, "\", \"type_id\": 0}}");
    special += cat(special.empty() ? "" : ", ", "\"", id, "\": {\"id\": \"", id, "\", \"ids\": [", id,
                   "], \"tokens\": [\"", id, "\"]}");
  };
  for (const auto id : text.before) put(id);
  single += cat(single.empty() ? "" : ", ", "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}");
  for (const auto id : text.after) put(id);
  return cat("{\"type\": \"TemplateProcessing\", \"single\": [", single, "], \"pair\": [], \"special_tokens\": {",
             special, "}}");
}

}  // namespace

std::string json_quoted(std::string_view text) { return nlohmann::json(text).dump(); }

std::string TokenizerText::to_json() const {
  std::string vocab, pairs, list;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (!tokens[id]) continue;
    const std::string token = json_quoted(*tokens[id]);
    vocab += vocab.empty() ? "" : ",\n";
    vocab += scores.empty() ? cat(token, ": ", id) : cat("[", token, ", ", nlohmann::json(scores[id]).dump(), "]");
  }
  for (const auto& [left, right] : merges)
    pairs += cat(pairs.empty() ? "" : ",\n", "[", json_quoted(left), ", ", json_quoted(right), "]");
  for (const Added& token : added) list += cat(list.empty() ? "" : ",\n", added_json(token));
  const bool in_list = !scores.empty();
  return cat("{\"version\": \"1.0\", \"added_tokens\": [", list, "],\n\"normalizer\": ", normalizer,
             ",\n\"pre_tokenizer\": ", pre_tokenizer, ",\n\"post_processor\": ", post_processor_json(*this),
             ",\n\"decoder\": ", decoder, ",\n\"model\": {", model, ",\n\"vocab\": ", in_list ? "[" : "{", vocab,
             in_list ? "]" : "}", in_list ? "" : cat(",\n\"merges\": [", pairs, "]"), "}}\n");
}

Merges merges_by_score(const std::vector<std::optional<std::string>>& tokens, const std::vector<double>& scores,
                       const std::vector<bool>& usable) {
  Ids ids;
  for (std::size_t id = 0; id < tokens.size(); ++id)
    if (usable[id]) ids.emplace(*tokens[id], id);
  std::vector<Split> splits;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (!usable[id]) continue;
    const std::string_view token = *tokens[id];
    const auto first = splits.size();
    std::size_t characters = 0;
    for (std::size_t at = 0; at < token.size(); at += char_length(token[at])) ++characters;
    std::size_t before = 1;
    for (std::size_t at = char_length(token[0]); at < token.size(); at += char_length(token[at]), ++before) {
      const auto left = ids.find(token.substr(0, at)), right = ids.find(token.substr(at));
      if (left != ids.end() && right != ids.end())
        splits.push_back({scores[id], left->second, right->second, before, characters - before});
    }
    std::sort(splits.begin() + static_cast<std::ptrdiff_t>(first), splits.end(),
              [](const Split& a, const Split& b) { return std::pair(a.left, a.right) < std::pair(b.left, b.right); });
  }
  std::stable_sort(splits.begin(), splits.end(), [](const Split& a, const Split& b) {
    return std::tuple(a.score, a.left_size, a.right_size) > std::tuple(b.score, b.left_size, b.right_size);
  });
  Merges merges;
  for (const Split& split : splits) merges.emplace_back(*tokens[split.left], *tokens[split.right]);
  return merges;
}

Merges merges_by_rank(const std::vector<std::string>& tokens) {
  Ids ranks;
  for (std::size_t rank = 0; rank < tokens.size(); ++rank) ranks.emplace(tokens[rank], rank);
  std::vector<std::string> spelled(tokens.size());
  for (std::size_t rank = 0; rank < tokens.size(); ++rank)
    for (const char byte : tokens[rank]) spelled[rank] += letter_of(static_cast<unsigned char>(byte));
  Merges merges;
  std::vector<std::pair<std::size_t, std::size_t>> splits;
  for (const std::string_view token : tokens) {
    splits.clear();
    for (std::size_t at = 1; at < token.size(); ++at) {
      const auto left = ranks.find(token.substr(0, at)), right = ranks.find(token.substr(at));
      if (left != ranks.end() && right != ranks.end()) splits.emplace_back(left->second, right->second);
    }
    std::sort(splits.begin(), splits.end());
    for (const auto& [left, right] : splits) merges.emplace_back(spelled[left], spelled[right]);
  }
  return merges;
}

}  // namespace pst::tokenizer
