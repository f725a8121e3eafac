// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/object.hpp"
#include "tokenizer/base64.hpp"
#include "tokenizer/byte_alphabet.hpp"
#include "tokenizer/convert.hpp"
#include "tokenizer/split_patterns.hpp"
#include "tokenizer/token_id.hpp"

namespace pst::tokenizer {
namespace {

struct Special {
  std::int64_t id;
  std::string name;
};

/// What the code of the publisher says, and no file: whose ranks they are is seen from their number.
struct Published {
  std::size_t ranks;
  std::string_view pattern;
  std::vector<Special> special;
  bool composes = false;  ///< NFC comes first
};

std::vector<Special> numbered(std::vector<Special> named, const std::string& before, std::int64_t first, int count,
                              const std::string& behind, int from) {
  for (int i = 0; i < count; ++i) named.push_back({first + i, cat(before, from + i, behind)});
  return named;
}

std::vector<Published> published() {
  return {
      {50256, split_patterns::kGpt2, {{50256, "<|endoftext|>"}}},
      {100256,
       split_patterns::kThreeDigits,
       {{100257, "<|endoftext|>"},
        {100258, "<|fim_prefix|>"},
        {100259, "<|fim_middle|>"},
        {100260, "<|fim_suffix|>"},
        {100276, "<|endofprompt|>"}}},
      {199998, split_patterns::kCasedWithContractions, {{199999, "<|endoftext|>"}, {200018, "<|endofprompt|>"}}},
      {128000, split_patterns::kThreeDigits,
       numbered({{128000, "<|begin_of_text|>"},
                 {128001, "<|end_of_text|>"},
                 {128002, "<|reserved_special_token_0|>"},
                 {128003, "<|reserved_special_token_1|>"},
                 {128004, "<|reserved_special_token_2|>"},
                 {128005, "<|reserved_special_token_3|>"},
                 {128006, "<|start_header_id|>"},
                 {128007, "<|end_header_id|>"},
                 {128008, "<|reserved_special_token_4|>"},
                 {128009, "<|eot_id|>"}},
                "<|reserved_special_token_", 128010, 246, "|>", 5)},
      {151643, split_patterns::kOneDigit,
       numbered({{151643, "<|endoftext|>"}, {151644, "<|im_start|>"}, {151645, "<|im_end|>"}}, "<|extra_", 151646, 205,
                "|>", 0),
       /*composes=*/true},
  };
}

/// A byte-level BPE whose merges follow from the ranks.
TokenizerText of_ranks(const std::vector<std::string>& ranks, std::size_t first_id, std::string_view pattern) {
  TokenizerText text;
  text.tokens.resize(first_id);
  for (const auto& token : ranks) {
    std::string spelled;
    for (const char byte : token) spelled += letter_of(static_cast<unsigned char>(byte));
    text.tokens.emplace_back(std::move(spelled));
  }
  text.merges = merges_by_rank(ranks);
  text.pre_tokenizer = split_by(pattern);
  text.decoder = kByteLevelDecoder;
  text.model = R"("type": "BPE", "fuse_unk": false, "byte_fallback": false, "ignore_merges": true)";
  return text;
}

}  // namespace

bool is_tiktoken(std::string_view content) {
  const auto line = content.substr(0, content.find('\n'));
  const auto blank = line.find(' ');
  return blank != line.npos && blank > 0 && from_base64(line.substr(0, blank)) && to_int(line.substr(blank + 1));
}

std::string convert_tiktoken(std::string_view content, const FolderSettings& settings, const std::string& name) {
  std::vector<std::string> ranks;
  for (std::size_t at = 0, number = 1; at < content.size(); ++number) {
    const auto end = std::min(content.find('\n', at), content.size());
    const auto line = content.substr(at, end - at);
    at = end + 1;
    if (line.empty()) continue;
    const auto blank = std::min(line.find(' '), line.size());
    const auto token = from_base64(line.substr(0, blank));
    const auto rank = blank < line.size() ? to_int(line.substr(blank + 1)) : std::nullopt;
    if (!token || token->empty() || rank != static_cast<std::int64_t>(ranks.size()))
      throw Error(Fault::data, cat(name, ":", number, ": expected a token in base64 and the rank ", ranks.size()),
                  "fetch the file again; it may be truncated");
    ranks.push_back(*token);
  }
  const auto all = published();
  const auto whose =
      std::find_if(all.begin(), all.end(), [&](const Published& one) { return one.ranks == ranks.size(); });
  if (whose == all.end())
    throw Error(Fault::data,
                cat(name, ": a tiktoken file has no pattern, and its ", ranks.size(),
                    " ranks are those of no model known here (docs/tokenizers.md lists them)"),
                "put tokenizer.json beside it: AutoTokenizer.from_pretrained(...).save_pretrained(...) writes one");
  TokenizerText text = of_ranks(ranks, 0, whose->pattern);
  if (whose->composes) text.normalizer = R"({"type": "NFC"})";
  for (const auto& [id, special] : whose->special) text.added.push_back({id, special});
  add_settings(text, settings);
  return text.to_json();
}

std::string convert_tekken(const std::string& content, const std::string& name) {
  const json::Document document(content, name, "fetch the file again; it may be truncated");
  const json::Object top = document.object(), config = top.inner("config");
  const auto special_count =
      static_cast<std::size_t>(config.at("default_num_special_tokens").small_whole(0, kLargestId));
  const auto size = static_cast<std::size_t>(config.at("default_vocab_size").small_whole(1, kLargestId));
  if (special_count > size) config.refuse("default_num_special_tokens", "is more than the whole vocabulary");
  std::vector<std::string> ranks;
  for (const auto& node : top.at("vocab").list()) {
    if (ranks.size() == size - special_count) break;  // the file holds more than the model uses
    const json::Object entry = node.object();
    const auto token = from_base64(entry.at("token_bytes").text());
    if (!token || token->empty()) entry.refuse("token_bytes", "is not base64");
    if (entry.at("rank").whole() != static_cast<std::int64_t>(ranks.size())) entry.refuse("rank", "is out of order");
    ranks.push_back(*token);
  }
  TokenizerText text = of_ranks(ranks, special_count, config.at("pattern").text());
  std::vector<std::string> names = {"<unk>",
                                    "<s>",
                                    "</s>",
                                    "[INST]",
                                    "[/INST]",
                                    "[AVAILABLE_TOOLS]",
                                    "[/AVAILABLE_TOOLS]",
                                    "[TOOL_RESULTS]",
                                    "[/TOOL_RESULTS]",
                                    "[TOOL_CALLS]",
                                    "[IMG]",
                                    "<pad>",
                                    "[IMG_BREAK]",
                                    "[IMG_END]",
                                    "[PREFIX]",
                                    "[MIDDLE]",
                                    "[SUFFIX]",
                                    "[SYSTEM_PROMPT]",
                                    "[/SYSTEM_PROMPT]",
                                    "[TOOL_CONTENT]"};
  if (const auto listed = top.get("special_tokens")) {
    names.clear();
    for (const auto& node : listed->list(special_count)) {
      const json::Object entry = node.object();
      if (entry.at("rank").whole() != static_cast<std::int64_t>(names.size())) entry.refuse("rank", "is out of order");
      names.push_back(entry.at("token_str").text());
    }
  }
  for (std::size_t id = 0; id < special_count; ++id)
    text.added.push_back({static_cast<std::int64_t>(id), id < names.size() ? names[id] : cat("<SPECIAL_", id, ">")});
  if (special_count > 1) text.before.push_back(1);  // <s>
  return text.to_json();
}

}  // namespace pst::tokenizer
