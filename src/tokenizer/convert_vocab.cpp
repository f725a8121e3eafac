// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/object.hpp"
#include "tokenizer/convert.hpp"
#include "tokenizer/split_patterns.hpp"
#include "tokenizer/token_id.hpp"
#include "tokenizer/vocabulary.hpp"

namespace pst::tokenizer {
namespace {

/// Classes whose vocab.json and merges.txt are byte-level, and what else they do to a text.
struct Class {
  std::string_view name;
  bool is_qwen;
};
constexpr Class kClasses[] = {
    {"GPT2Tokenizer", false}, {"GPT2TokenizerFast", false}, {"CodeGenTokenizer", false}, {"RobertaTokenizer", false},
    {"BartTokenizer", false}, {"GPTNeoXTokenizer", false},  {"Qwen2Tokenizer", true},    {"Qwen2TokenizerFast", true},
};

constexpr std::string_view kFetch = "take tokenizer.json from the model's publisher";

std::vector<std::string_view> lines_of(std::string_view content) {
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at < content.size();) {
    const auto end = std::min(content.find('\n', at), content.size());
    auto line = content.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    at = end + 1;
  }
  return lines;
}

}  // namespace

std::string split_by(std::string_view pattern) {
  return cat(R"({"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": )", json_quoted(pattern),
             R"(}, "behavior": "Isolated", "invert": false}, )",
             R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]})");
}

void add_settings(TokenizerText& text, const FolderSettings& settings) {
  for (const auto& token : settings.added) {
    const auto same =
        std::find_if(text.added.begin(), text.added.end(), [&](const auto& one) { return one.id == token.id; });
    if (same != text.added.end())
      *same = token;
    else
      text.added.push_back(token);
  }
  std::sort(text.added.begin(), text.added.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
}

std::string convert_vocab_and_merges(const std::string& vocab, const std::string& vocab_name, std::string_view merges,
                                     const FolderSettings& settings) {
  const auto kind = std::find_if(std::begin(kClasses), std::end(kClasses),
                                 [&](const Class& one) { return one.name == settings.tokenizer_class; });
  if (kind == std::end(kClasses))
    throw Error(Fault::data,
                cat(vocab_name, " and merges.txt do not say how text is split, and the tokenizer_class ",
                    pst::quoted(settings.tokenizer_class), " of tokenizer_config.json is none known here"),
                std::string(kFetch));
  const json::Document document(vocab, vocab_name, std::string(kFetch));
  TokenizerText text;
  text.tokens = Vocabulary::of_ids(document.root()).tokens();
  for (const auto line : lines_of(merges)) {
    if (line.empty() || line.starts_with("#version")) continue;
    const auto blank = line.find(' ');
    if (blank == line.npos || line.find(' ', blank + 1) != line.npos)
      throw Error(Fault::data, cat("merges.txt beside ", vocab_name, ": ", pst::quoted(line, 60), " is not two tokens"),
                  std::string(kFetch));
    text.merges.emplace_back(line.substr(0, blank), line.substr(blank + 1));
  }
  if (kind->is_qwen) {
    text.normalizer = R"({"type": "NFC"})";
    text.pre_tokenizer = split_by(split_patterns::kOneDigit);
  } else {
    text.pre_tokenizer = cat(R"({"type": "ByteLevel", "trim_offsets": true, "use_regex": true, "add_prefix_space": )",
                             settings.add_prefix_space.value_or(false) ? "true" : "false", "}");
  }
  text.decoder = kByteLevelDecoder;
  text.model = R"("type": "BPE")";
  add_settings(text, settings);
  const auto special = [&](const std::optional<std::string>& name) {
    if (!name) return;
    const auto in_added =
        std::find_if(text.added.begin(), text.added.end(), [&](const auto& one) { return one.content == *name; });
    if (in_added != text.added.end()) return;
    for (std::size_t id = 0; id < text.tokens.size(); ++id)
      if (text.tokens[id] == name) return text.added.push_back({static_cast<std::int64_t>(id), *name});
  };
  for (const auto& name : settings.special) special(name);
  special(settings.bos), special(settings.eos), special(settings.unk);
  return text.to_json();
}

std::string convert_vocab_txt(std::string_view content, const FolderSettings& settings, const std::string& name) {
  TokenizerText text;
  for (const auto line : lines_of(content)) text.tokens.emplace_back(line);
  const auto id_of = [&](std::string_view token) -> std::optional<std::int64_t> {
    const auto found = std::find(text.tokens.begin(), text.tokens.end(), token);
    if (found == text.tokens.end()) return std::nullopt;
    return found - text.tokens.begin();
  };
  for (const std::string_view token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"})
    if (const auto id = id_of(token)) text.added.push_back({*id, std::string(token)});
  const auto cls = id_of("[CLS]"), sep = id_of("[SEP]");
  if (!cls || !sep || !id_of("[UNK]"))
    throw Error(Fault::data, cat(name, ": it lacks [CLS], [SEP] or [UNK], which BERT's vocabularies have"),
                std::string(kFetch));
  text.before = {*cls}, text.after = {*sep};
  text.normalizer =
      cat(R"({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, )",
          R"("strip_accents": null, "lowercase": )", settings.lower_case.value_or(true) ? "true" : "false", "}");
  text.pre_tokenizer = R"({"type": "BertPreTokenizer"})";
  text.decoder = R"({"type": "WordPiece", "prefix": "##", "cleanup": true})";
  text.model = R"("type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##")";
  add_settings(text, settings);
  return text.to_json();
}

}  // namespace pst::tokenizer
