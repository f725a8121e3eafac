// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/folder_settings.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "json/object.hpp"
#include "tokenizer/token_id.hpp"

namespace pst::tokenizer {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kLargest = 64ull << 20;

/// "<s>", or {"content": "<s>", ...}
std::string content_of(const json::Node& node) {
  return node.is_object() ? node.object().at("content").text() : node.text();
}

using ById = std::map<std::int64_t, TokenizerText::Added>;

void read_added_tokens_decoder(const json::Object& top, ById& added) {
  const auto tokens = top.get("added_tokens_decoder");
  if (!tokens) return;
  for (const auto& [key, value] : tokens->value().items()) {
    const auto id = to_int(key);
    if (!id || *id < 0 || *id > kLargestId) tokens->refuse(cat("has the id ", pst::quoted(key)));
    const json::Object entry = tokens->object().at(key).object();
    added[*id] = {*id,
                  entry.at("content").text(),
                  entry.flag("special"),
                  entry.flag("lstrip"),
                  entry.flag("rstrip"),
                  entry.flag("single_word"),
                  entry.flag("normalized")};
  }
}

void read_config(const fs::path& file, FolderSettings& settings, ById& added) {
  const json::Document document(file, kLargest);
  const json::Object top = document.object();
  settings.tokenizer_class = top.text("tokenizer_class").value_or("");
  const auto flag = [&](const char* key) -> std::optional<bool> {
    const auto node = top.get(key);
    return node ? std::optional(node->flag()) : std::nullopt;
  };
  settings.add_bos = flag("add_bos_token");
  settings.add_eos = flag("add_eos_token");
  settings.add_prefix_space = flag("add_prefix_space");
  settings.legacy = flag("legacy");
  settings.lower_case = flag("do_lower_case");
  const auto name = [&](const char* key) -> std::optional<std::string> {
    const auto node = top.get(key);
    return node ? std::optional(content_of(*node)) : std::nullopt;
  };
  settings.bos = name("bos_token");
  settings.eos = name("eos_token");
  settings.unk = name("unk_token");
  read_added_tokens_decoder(top, added);
}

void read_special_map(const fs::path& file, FolderSettings& settings) {
  const json::Document document(file, kLargest);
  const json::Object top = document.object();
  for (const auto& [key, value] : document.root().value().items()) {
    const json::Node node = top.at(key);
    if (node.is_list())
      for (const auto& one : node.list()) settings.special.push_back(content_of(one));
    else
      settings.special.push_back(content_of(node));
  }
}

void read_added(const fs::path& file, const FolderSettings& settings, ById& added) {
  const json::Document document(file, kLargest);
  const json::Object top = document.object();
  for (const auto& [token, value] : document.root().value().items()) {
    const int id = top.at(token).small_whole(0, kLargestId);
    const bool special = std::find(settings.special.begin(), settings.special.end(), token) != settings.special.end();
    TokenizerText::Added entry{id, token, special};
    entry.normalized = !special;
    added.try_emplace(id, entry);
  }
}

}  // namespace

FolderSettings read_folder_settings(const fs::path& dir) {
  FolderSettings settings;
  ById added;
  std::error_code ignored;
  const auto is_there = [&](const char* name) { return fs::exists(dir / name, ignored); };
  if (is_there("tokenizer_config.json")) read_config(dir / "tokenizer_config.json", settings, added);
  if (is_there("special_tokens_map.json")) read_special_map(dir / "special_tokens_map.json", settings);
  if (is_there("added_tokens.json")) read_added(dir / "added_tokens.json", settings, added);
  for (auto& [id, token] : added) settings.added.push_back(std::move(token));
  return settings;
}

std::vector<TokenizerText::Added> configured_tokens(const fs::path& dir) {
  std::vector<TokenizerText::Added> tokens;
  std::error_code ignored;
  if (!fs::exists(dir / "tokenizer_config.json", ignored)) return tokens;
  ById added;
  const json::Document document(dir / "tokenizer_config.json", kLargest);
  read_added_tokens_decoder(document.object(), added);
  for (auto& [id, token] : added) tokens.push_back(std::move(token));
  return tokens;
}

}  // namespace pst::tokenizer
