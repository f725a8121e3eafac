// SPDX-License-Identifier: Apache-2.0
#include "gguf/tokenizer_files.hpp"

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "core/error.hpp"
#include "core/keyed_hash.hpp"
#include "core/strings.hpp"
#include "tokenizer/convert.hpp"
#include "tokenizer/split_patterns.hpp"

namespace pst::gguf {
namespace {

using Json = nlohmann::ordered_json;

/// llama.cpp's kinds of tokens. @see gguf-py, TokenType
enum TokenType : std::int64_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

[[noreturn]] void refuse(const File& file, const std::string& reason, const std::string& remedy = {}) {
  throw Error(Fault::data, cat(file.path().string(), ": ", reason), remedy);
}

/// How text is cut into words before merging, and what belongs to it.
struct PreTokenizer {
  Json json, normalizer = nullptr;
  bool ignore_merges = false, add_bos = false;
};

Json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

Json digits(bool individual) { return {{"type", "Digits"}, {"individual_digits", individual}}; }

Json split_by(std::string_view pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
}

template <class... Steps>
Json sequence(Steps... steps) {
  return {{"type", "Sequence"}, {"pretokenizers", Json::array({std::move(steps)...})}};
}

/// One pattern, and the bytes of its words.
Json words(std::string_view pattern) { return sequence(split_by(pattern), byte_level(false)); }

struct NamedPreTokenizer {
  std::vector<std::string_view> names;
  PreTokenizer (*make)();
};

/// What the publishers' tokenizer.json has. @see llama.cpp, llama-vocab.cpp for the names
const std::vector<NamedPreTokenizer>& pre_tokenizers() {
  namespace patterns = tokenizer::split_patterns;
  static const Json nfc = {{"type", "NFC"}};
  static const std::vector<NamedPreTokenizer> all = {
      // ByteLevel's own regular expression is GPT-2's.
      {{"gpt-2", "default", "phi-2"}, [] { return PreTokenizer{byte_level(true)}; }},
      {{"mpt", "olmo"},
       [] {
         return PreTokenizer{byte_level(true), nfc};
       }},
      {{"smollm", "starcoder", "refact", "exaone"},
       [] { return PreTokenizer{sequence(digits(true), byte_level(true))}; }},
      {{"command-r"},
       [] {
         return PreTokenizer{sequence(digits(true), byte_level(true)), nfc};
       }},
      {{"falcon"},
       [] {
         return PreTokenizer{sequence(Json{{"type", "Punctuation"}, {"behavior", "Contiguous"}}, byte_level(true),
                                      digits(false), split_by("[0-9][0-9][0-9]"))};
       }},
      {{"llama-bpe", "llama3", "llama-v3"},
       [] {
         return PreTokenizer{words(patterns::kThreeDigits), nullptr, /*ignore_merges=*/true, /*add_bos=*/true};
       }},
      {{"qwen2"},
       [] {
         return PreTokenizer{words(patterns::kOneDigit), nfc};
       }},
      {{"qwen35"},
       [] {
         return PreTokenizer{words(patterns::kMarksInWords), nfc};
       }},
      {{"tekken"},
       [] {
         return PreTokenizer{words(patterns::kCased), nullptr, /*ignore_merges=*/true, /*add_bos=*/true};
       }},
      {{"gpt-4o"}, [] { return PreTokenizer{words(patterns::kCasedWithContractions)}; }},
      {{"deepseek-v3", "hunyuan-dense"},
       [] {
         return PreTokenizer{sequence(split_by(patterns::kNumbers), split_by(patterns::kChineseAndKana),
                                      split_by(patterns::kCommands), byte_level(false))};
       }},
  };
  return all;
}

PreTokenizer pre_tokenizer(const File& file) {
  const auto name = file.text("tokenizer.ggml.pre");
  if (!name)
    refuse(file, "it does not name its pre-tokeniser (tokenizer.ggml.pre)",
           "convert the model with a current llama.cpp");
  std::string known;
  for (const NamedPreTokenizer& one : pre_tokenizers())
    for (const auto one_name : one.names) {
      if (one_name == *name) return one.make();
      known += cat(known.empty() ? "" : ", ", one_name);
    }
  refuse(file, cat("the pre-tokeniser ", quoted(*name), " is not supported"), cat("supported are ", known));
}

/// Tokens and their kinds, checked.
struct Vocabulary {
  const std::vector<std::string>& tokens;
  std::vector<std::int64_t> types;
  std::unordered_map<std::string_view, std::size_t, KeyedHash> ids;
};

Vocabulary read_vocabulary(const File& file, const families::ModelSpec& spec) {
  const auto* tokens = file.texts("tokenizer.ggml.tokens");
  if (!tokens || tokens->empty()) refuse(file, "metadata tokenizer.ggml.tokens is missing");
  if (static_cast<std::int64_t>(tokens->size()) > spec.vocabulary)
    refuse(file, cat("it has ", tokens->size(), " tokens for ", spec.vocabulary, " rows of token_embd.weight"));
  const auto* types = file.integers("tokenizer.ggml.token_type");
  Vocabulary vocabulary{*tokens, types ? *types : std::vector<std::int64_t>(tokens->size(), kNormal), {}};
  if (vocabulary.types.size() != tokens->size())
    refuse(file, cat("it has ", tokens->size(), " tokens, but ", vocabulary.types.size(),
                     " entries in tokenizer.ggml.token_type"));
  for (std::size_t id = 0; id < tokens->size(); ++id) {
    if (vocabulary.types[id] == kUnused) continue;  // "[PAD17]": fills the table up, no text ever becomes it
    if (!is_utf8((*tokens)[id]) || (*tokens)[id].empty())
      refuse(file, cat("token ", id, " is ", quoted((*tokens)[id]), ", empty or not UTF-8"));
    if (!vocabulary.ids.try_emplace((*tokens)[id], id).second)
      refuse(file, cat("the token ", quoted((*tokens)[id]), " occurs twice"));
  }
  return vocabulary;
}

std::string json_string(const std::string& text) { return Json(text).dump(); }

std::string vocab_json(const Vocabulary& vocabulary) {
  std::string text;
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (vocabulary.types[id] == kUnused) continue;
    text += cat(text.empty() ? "" : ",", "\n      ", json_string(vocabulary.tokens[id]), ": ", id);
  }
  return cat("{", text, "\n    }");
}

std::string merges_json(const File& file, const Vocabulary& vocabulary) {
  const auto* merges = file.texts("tokenizer.ggml.merges");
  if (!merges) refuse(file, "metadata tokenizer.ggml.merges is missing");
  std::string text;
  for (std::size_t i = 0; i < merges->size(); ++i) {
    const std::string& merge = (*merges)[i];
    const auto space = merge.find(' ');
    const bool two = space != merge.npos && merge.find(' ', space + 1) == merge.npos;
    const std::string left = merge.substr(0, space), right = two ? merge.substr(space + 1) : std::string();
    if (!two || !vocabulary.ids.count(left) || !vocabulary.ids.count(right) || !vocabulary.ids.count(left + right))
      refuse(file, cat("merge ", i, ", ", quoted(merge), ", does not join two tokens to a third"));
    text += cat(i == 0 ? "" : ",", "\n      [", json_string(left), ", ", json_string(right), "]");
  }
  return cat("[", text, text.empty() ? "]" : "\n    ]");
}

std::string added_tokens_json(const Vocabulary& vocabulary) {
  std::string text;
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (vocabulary.types[id] != kControl && vocabulary.types[id] != kUserDefined) continue;
    const Json token = {{"id", id},
                        {"content", vocabulary.tokens[id]},
                        {"single_word", false},
                        {"lstrip", false},
                        {"rstrip", false},
                        {"normalized", false},
                        {"special", vocabulary.types[id] == kControl}};
    text += cat(text.empty() ? "" : ",", "\n    ", token.dump());
  }
  return cat("[", text, text.empty() ? "]" : "\n  ]");
}

/// What a tokenizer puts around a text by itself; null when that is nothing.
Json post_processor(const File& file, const Vocabulary& vocabulary, std::optional<std::int32_t> bos,
                    std::optional<std::int32_t> eos) {
  if (!bos && !eos) return nullptr;
  Json single = Json::array(), pair = Json::array(), special = Json::object();
  const auto put = [&](std::int32_t id, int type, Json& list) {
    if (static_cast<std::size_t>(id) >= vocabulary.tokens.size()) refuse(file, cat("token ", id, " has no text"));
    const std::string& token = vocabulary.tokens[static_cast<std::size_t>(id)];
    list.push_back({{"SpecialToken", {{"id", token}, {"type_id", type}}}});
    special[token] = {{"id", token}, {"ids", {id}}, {"tokens", {token}}};
  };
  const auto part = [&](const char* name, int type, Json& list) {
    if (bos) put(*bos, type, list);
    list.push_back({{"Sequence", {{"id", name}, {"type_id", type}}}});
    if (eos) put(*eos, type, list);
  };
  part("A", 0, single);
  part("A", 0, pair);
  part("B", 1, pair);
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special}};
}

std::string tokenizer_json(const File& file, const Vocabulary& vocabulary, const PreTokenizer& pre, const Json& post) {
  const Json decoder = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}};
  // Written by hand: the JSON library looks up each of a hundred thousand keys one after the other.
  return cat("{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": ",
             added_tokens_json(vocabulary), ",\n  \"normalizer\": ", pre.normalizer.dump(),
             ",\n  \"pre_tokenizer\": ", pre.json.dump(), ",\n  \"post_processor\": ", post.dump(),
             ",\n  \"decoder\": ", decoder.dump(),
             ",\n  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": null,\n"
             "    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n    \"fuse_unk\": false,\n"
             "    \"byte_fallback\": false,\n    \"ignore_merges\": ",
             pre.ignore_merges ? "true" : "false", ",\n    \"vocab\": ", vocab_json(vocabulary),
             ",\n    \"merges\": ", merges_json(file, vocabulary), "\n  }\n}\n");
}

/// Gemma 4's: merges of characters, blanks written as a sign, what is unknown in bytes.
std::string of_characters(const File& file, const Vocabulary& vocabulary, const Json& post) {
  const auto unknown = file.integer("tokenizer.ggml.unknown_token_id");
  if (!unknown || *unknown < 0 || static_cast<std::size_t>(*unknown) >= vocabulary.tokens.size())
    refuse(file, "tokenizer.ggml.unknown_token_id is missing, or has no text");
  const std::string& name = vocabulary.tokens[static_cast<std::size_t>(*unknown)];
  return cat("{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": ",
             added_tokens_json(vocabulary),
             R"(,
  "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
  "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": false},
  "post_processor": )",
             post.dump(), R"(,
  "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
    {"type": "ByteFallback"}, {"type": "Fuse"}]},
  "model": {
    "type": "BPE",
    "dropout": null,
    "unk_token": )",
             json_string(name), R"(,
    "continuing_subword_prefix": null,
    "end_of_word_suffix": null,
    "fuse_unk": true,
    "byte_fallback": true,
    "ignore_merges": false,
    "vocab": )",
             vocab_json(vocabulary), ",\n    \"merges\": ", merges_json(file, vocabulary), "\n  }\n}\n");
}

/// A vocabulary of scores and no merges, as SentencePiece's file has it. @see llama.cpp, llama-vocab.cpp
std::string from_scores(const File& file, const Vocabulary& vocabulary, tokenizer::SentencePieceModel::Kind kind,
                        const tokenizer::FolderSettings& settings, std::optional<std::int32_t> bos,
                        std::optional<std::int32_t> eos) {
  using tokenizer::SentencePieceModel;
  const auto* scores = file.reals("tokenizer.ggml.scores");
  if (!scores || scores->size() != vocabulary.tokens.size())
    refuse(file, "tokenizer.ggml.scores is missing, or not one per token");
  SentencePieceModel model;
  model.kind = kind;
  for (std::size_t id = 0; id < scores->size(); ++id) {
    const auto type = vocabulary.types[id];
    if (type < kNormal || type > kByte) refuse(file, cat("token ", id, " is of type ", type));
    model.byte_fallback |= type == kByte;
    model.pieces.push_back({vocabulary.tokens[id], (*scores)[id], static_cast<SentencePieceModel::Type>(type)});
  }
  model.unk_id = file.integer("tokenizer.ggml.unknown_token_id").value_or(-1);
  model.bos_id = bos.value_or(-1);
  model.eos_id = eos.value_or(-1);
  if (model.unk_id >= static_cast<std::int64_t>(scores->size())) refuse(file, "the unknown token has no text");
  model.add_dummy_prefix = file.flag("tokenizer.ggml.add_space_prefix").value_or(true);
  model.remove_extra_whitespaces = file.flag("tokenizer.ggml.remove_extra_whitespaces").value_or(false);
  if (const auto* charsmap = file.integers("tokenizer.ggml.precompiled_charsmap"))
    for (const auto byte : *charsmap) model.charsmap += static_cast<char>(byte);
  return convert_sentencepiece(model, settings, file.path().string());
}

}  // namespace

TokenizerFiles tokenizer_files(const File& file, const families::ModelSpec& model) {
  const auto kind = file.needed_text("tokenizer.ggml.model");
  const bool has_scores = kind == "llama" || kind == "t5";
  const bool merges_characters = kind == "gemma4";
  if (kind != "gpt2" && !has_scores && !merges_characters)
    refuse(file, cat("the tokenizer model ", quoted(kind), " is not supported"),
           "supported are byte-level BPE ('gpt2'), SentencePiece's scores ('llama', 't5') and 'gemma4'");
  PreTokenizer pre;
  if (has_scores || merges_characters)
    pre.add_bos = kind != "t5";
  else
    pre = pre_tokenizer(file);
  const Vocabulary vocabulary = read_vocabulary(file, model);
  const bool add_bos =
      file.flag("tokenizer.ggml.add_bos_token").value_or(pre.add_bos) && model.bos_token_id.has_value();
  const bool add_eos = file.flag("tokenizer.ggml.add_eos_token").value_or(false) && !model.eos_token_ids.empty();
  const auto none = std::optional<std::int32_t>();
  const auto eos = model.eos_token_ids.empty() ? none : model.eos_token_ids.front();
  const Json post = post_processor(file, vocabulary, add_bos ? model.bos_token_id : none, add_eos ? eos : none);

  Json settings = {{"tokenizer_class", "PreTrainedTokenizerFast"}};  // transformers then takes tokenizer.json as it is
  const auto name_token = [&](const char* key, std::optional<std::int64_t> id) {
    if (!id) return;
    if (*id < 0 || static_cast<std::size_t>(*id) >= vocabulary.tokens.size())
      refuse(file, cat("the ", key, " is ", *id, ", which has no text"));
    settings[key] = vocabulary.tokens[static_cast<std::size_t>(*id)];
  };
  name_token("bos_token", model.bos_token_id);
  name_token("eos_token", eos);
  name_token("pad_token", model.pad_token_id);
  name_token("unk_token", file.integer("tokenizer.ggml.unknown_token_id"));
  settings["add_bos_token"] = add_bos;
  settings["add_eos_token"] = add_eos;
  settings["clean_up_tokenization_spaces"] = false;
  settings["model_max_length"] = model.positions;

  TokenizerFiles files;
  files.chat_template = file.text("tokenizer.chat_template");
  if (files.chat_template) {
    if (!is_utf8(*files.chat_template)) refuse(file, "tokenizer.chat_template is not UTF-8");
    settings["chat_template"] = *files.chat_template;
  }
  if (has_scores) {
    tokenizer::FolderSettings around;
    around.add_bos = add_bos, around.add_eos = add_eos;
    using Kind = tokenizer::SentencePieceModel::Kind;
    files.tokenizer_json = from_scores(file, vocabulary, kind == "llama" ? Kind::bpe : Kind::unigram, around,
                                       add_bos ? model.bos_token_id : none, add_eos ? eos : none);
  } else if (merges_characters) {
    files.tokenizer_json = of_characters(file, vocabulary, post);
  } else {
    files.tokenizer_json = tokenizer_json(file, vocabulary, pre, post);
  }
  files.tokenizer_config_json = settings.dump(2) + "\n";
  return files;
}

}  // namespace pst::gguf
