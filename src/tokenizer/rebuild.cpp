// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/rebuild.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/object.hpp"
#include "tokenizer/folder_settings.hpp"
#include "tokenizer/token_id.hpp"

namespace pst::tokenizer {
namespace {

namespace fs = std::filesystem;
using json::Value;

constexpr std::uint64_t kLargestFile = 128ull << 20, kLargestSettings = 64ull << 20;
constexpr json::Limits kLimits{.bytes = 512u << 20};

/// A token to be added; its id is found when it is.
using Token = TokenizerText::Added;

Token plain(std::string content) { return {-1, std::move(content)}; }

/// AddedToken(**object): what the object does not say is false, but that a token that is not special is normalised.
Token token_of(const json::Object& object, bool special) {
  Token token = plain(object.at("content").text());
  token.special = special || object.flag("special");
  token.lstrip = object.flag("lstrip");
  token.rstrip = object.flag("rstrip");
  token.single_word = object.flag("single_word");
  token.normalized = object.flag("normalized", !token.special);
  return token;
}

Token token_of(const json::Node& node) { return node.is_object() ? token_of(node.object(), true) : plain(node.text()); }

/// Special tokens by the keys that name them, in the order in which transformers adds them.
class Names {
 public:
  explicit Names(const std::vector<std::pair<std::string, std::string>>& standard) {
    for (const char* key : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"})
      named_.emplace_back(key, std::nullopt);
    for (const auto& [key, content] : standard) set(key, plain(content));
  }

  /// tokenizer_config.json, or special_tokens_map.json.
  void read(const json::Object& top) {
    for (const auto& [key, value] : top.node().value().items()) {
      if (key == "extra_special_tokens" || key == "additional_special_tokens") {
        if (!value.is_null()) read_more(top.at(key));
      } else if (key.ends_with("_token") && (value.is_string() || value.is_object())) {
        set(key, token_of(top.at(key)));
      } else if (key.ends_with("_token") && value.is_null()) {
        set(key, std::nullopt);
      }
    }
  }

  std::vector<Token> tokens() const {
    std::vector<Token> all;
    for (const auto& [key, token] : named_)
      if (token) all.push_back(*token);
    all.insert(all.end(), more_.begin(), more_.end());
    return all;
  }
  bool has(const std::string& content) const { return is_named(content) || is_in(more_, content); }
  bool is_named(const std::string& content) const {
    return std::any_of(named_.begin(), named_.end(),
                       [&](const auto& one) { return one.second && one.second->content == content; });
  }

 private:
  void set(const std::string& key, std::optional<Token> token) {
    const auto same = std::find_if(named_.begin(), named_.end(), [&](const auto& one) { return one.first == key; });
    if (same != named_.end())
      same->second = std::move(token);
    else
      named_.emplace_back(key, std::move(token));
  }
  static bool is_in(const std::vector<Token>& tokens, const std::string& content) {
    return std::any_of(tokens.begin(), tokens.end(), [&](const Token& one) { return one.content == content; });
  }
  void read_more(const json::Node& node) {
    if (node.is_object()) {
      for (const auto& [key, one] : node.object().members()) set(key, token_of(one));
    } else {
      for (const auto& one : node.list()) more_.push_back(token_of(one));
    }
  }

  std::vector<std::pair<std::string, std::optional<Token>>> named_;
  std::vector<Token> more_;
};

/// The ids that the library gives: a token of the vocabulary keeps its own, others come behind all that are there.
class Ids {
 public:
  explicit Ids(const Value& vocabulary) : vocabulary_(vocabulary) {}

  bool give(Token& token) {
    if (token.content.empty() || !contents_.insert(token.content).second) return false;
    const auto size = static_cast<std::int64_t>(vocabulary_.size());
    if (const auto found = vocabulary_.find(token.content); found != vocabulary_.end() && found->is_number_integer())
      token.id = found->get<std::int64_t>();
    else
      token.id = std::max(size, largest_ + 1);
    largest_ = std::max(largest_, token.id);
    return true;
  }

 private:
  const Value& vocabulary_;
  std::set<std::string> contents_;
  std::int64_t largest_ = -1;
};

using ById = std::map<std::int64_t, Token>;

ById tokens_in(const json::Object& tokenizer) {
  ById found;
  if (const auto nodes = tokenizer.get("added_tokens"))
    for (const auto& node : nodes->list())
      found.emplace(node.object().at("id").whole(0, kLargestId), token_of(node.object(), false));
  return found;
}

/// Without added_tokens_decoder in tokenizer_config.json the older files count, then those of tokenizer.json.
ById listed_tokens(const fs::path& dir, const json::Object& tokenizer, const Names& names) {
  const std::vector<Token> configured = configured_tokens(dir);
  ById listed;
  for (const Token& token : configured) listed.emplace(token.id, token);
  if (!configured.empty()) return listed;
  std::error_code ignored;
  if (const fs::path file = dir / "added_tokens.json"; fs::exists(file, ignored)) {
    const json::Document document(file, kLargestSettings);
    for (const auto& [content, node] : document.object().members()) {
      Token token = plain(content);
      token.special = names.has(content);
      token.normalized = !token.special;
      listed.emplace(node.whole(0, kLargestId), token);
    }
  }
  for (auto& [id, token] : tokens_in(tokenizer)) listed.insert_or_assign(id, token);
  return listed;
}

std::vector<Token> added_tokens(const fs::path& dir, const json::Object& tokenizer, const Rebuild& parts,
                                const Value& vocabulary) {
  Names names(parts.names);
  std::error_code ignored;
  const auto read_names = [&](const char* name) {
    if (fs::exists(dir / name, ignored)) names.read(json::Document(dir / name, kLargestSettings).object());
  };
  read_names("tokenizer_config.json");
  if (configured_tokens(dir).empty()) read_names("special_tokens_map.json");
  std::vector<Token> tokens;
  Ids ids(vocabulary);
  const auto add = [&](Token token) {
    if (ids.give(token)) tokens.push_back(std::move(token));
  };
  for (auto& [id, token] : listed_tokens(dir, tokenizer, names)) {
    if (names.is_named(token.content)) token.special = true;
    add(token);
  }
  for (const Token& token : names.tokens()) add(token);
  return tokens;
}

Value json_of(const Token& token) {
  return {{"id", token.id},
          {"content", token.content},
          {"special", token.special},
          {"lstrip", token.lstrip},
          {"rstrip", token.rstrip},
          {"single_word", token.single_word},
          {"normalized", token.normalized}};
}

/// A part of the pipeline without what only moves offsets and what says nothing.
Value essential(Value part) {
  if (part.is_object()) {
    part.erase("trim_offsets");
    if (part.value("invert", Value()) == false) part.erase("invert");
    for (auto at = part.begin(); at != part.end();) at = at->is_null() ? part.erase(at) : std::next(at);
  }
  if (part.is_structured())
    for (auto& one : part) one = essential(one);
  return part;
}

Value part_of(const Value& tokenizer, const std::string& key) {
  const auto found = tokenizer.find(key);
  if (found == tokenizer.end()) return {};
  if (key == "decoder" && found->is_object() && found->value("type", "") == "ByteLevel") return {{"type", "ByteLevel"}};
  return essential(*found);
}

/// The options of a model that say something, without vocabulary and merges.
Value options_of(const Value& model) {
  Value options = Value::object();
  for (const auto& [key, value] : model.items())
    if (key != "vocab" && key != "merges" && !value.is_null() && value != false && value != "") options[key] = value;
  return options;
}

/// As the file's own pipeline has them: with the flags of tokenizer_config.json.
std::vector<Token> tokens_of_file(const fs::path& dir, const json::Object& tokenizer) {
  std::vector<Token> tokens;
  const auto configured = configured_tokens(dir);
  for (auto& [id, token] : tokens_in(tokenizer)) {
    token.id = id;
    const auto flags = std::find_if(configured.begin(), configured.end(), [&id = id, &token = token](const Token& one) {
      return one.id == id && one.content == token.content;
    });
    tokens.push_back(flags != configured.end() ? *flags : token);
  }
  return tokens;
}

Value json_of(std::vector<Token> tokens) {
  std::sort(tokens.begin(), tokens.end(), [](const Token& a, const Token& b) { return a.id < b.id; });
  Value list = Value::array();
  for (const Token& token : tokens) list.push_back(json_of(token));
  return list;
}

}  // namespace

Rebuilt rebuild(const fs::path& model_dir, const Rebuild& parts) {
  const json::Document document(model_dir / "tokenizer.json", kLargestFile, {}, kLimits);
  const json::Object top = document.object();
  const json::Object model = top.inner("model");
  const Value& given = document.root().value();
  const Value& old_model = model.node().value();
  if (!old_model.contains("merges") || !old_model.contains("vocab") || !old_model["vocab"].is_object())
    throw Error(Fault::usage,
                cat("model.tokenizer is transformers, and the model of ", document.name(),
                    " is no BPE, which its tokenizer_class would make of it"),
                "leave model.tokenizer out: file");
  const std::vector<Token> tokens = added_tokens(model_dir, top, parts, old_model["vocab"]);

  const auto read = [](const std::string& text) { return json::parse(text, "a part of a rebuilt tokenizer"); };
  Value made = {{"version", "1.0"}, {"added_tokens", json_of(tokens)}};
  made["normalizer"] = read(parts.normalizer);
  made["pre_tokenizer"] = read(parts.pre_tokenizer);
  made["decoder"] = read(parts.decoder);
  const bool has_post = parts.around_text && given.contains("post_processor");
  made["post_processor"] = has_post ? given["post_processor"] : Value();
  Value new_model = read(parts.model);
  new_model["type"] = "BPE";

  const auto same = [&](const char* key) { return part_of(given, key) == part_of(made, key); };
  Value old_options = options_of(old_model);
  old_options["type"] = "BPE";  // older files leave it out
  Rebuilt rebuilt;
  rebuilt.is_same = same("normalizer") && same("pre_tokenizer") && same("decoder") && same("post_processor") &&
                    old_options == options_of(new_model) &&
                    json_of(tokens_of_file(model_dir, top)) == made["added_tokens"];
  if (rebuilt.is_same) return rebuilt;
  new_model["vocab"] = old_model["vocab"];
  new_model["merges"] = old_model["merges"];
  made["model"] = std::move(new_model);
  rebuilt.json = made.dump();
  return rebuilt;
}

}  // namespace pst::tokenizer
