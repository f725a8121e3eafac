// SPDX-License-Identifier: Apache-2.0
#include "importers/foreign_file.hpp"

#include <algorithm>

#include "core/strings.hpp"

namespace pst::importers {
namespace {

using config::Node;

bool says_nothing(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null: return true;
    case Node::Kind::scalar: return trim(node.text).empty();
    case Node::Kind::list: return node.items.empty();
    case Node::Kind::map: return node.entries.empty();
  }
  return true;
}

std::optional<bool> as_flag(const Node& node) {
  if (node.kind != Node::Kind::scalar) return std::nullopt;
  const std::string word = lower(node.text);
  if (word == "true" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "no" || word == "off") return false;
  return std::nullopt;
}

}  // namespace

const Node* ForeignFile::find(std::string_view path) const {
  const Node* at = &document_;
  for (const std::string& key : split(path, '.')) {
    if (at->kind != Node::Kind::map) return nullptr;
    at = at->find(key);
    if (!at) return nullptr;
  }
  return at;
}

const Node* ForeignFile::take(std::string_view path) {
  taken_.emplace_back(path);
  const Node* node = find(path);
  return node && !says_nothing(*node) ? node : nullptr;
}

void ForeignFile::mismatch(std::string_view path, const Node& value, const char* wanted) {
  notes_.push_back({Note::Kind::dropped, value.mark, cat(path, " is ", value.describe(), ", and not ", wanted)});
}

std::optional<std::string> ForeignFile::text(std::string_view path) {
  const Node* node = take(path);
  if (!node) return std::nullopt;
  if (node->kind == Node::Kind::scalar) return node->text;
  mismatch(path, *node, "a text");
  return std::nullopt;
}

std::optional<double> ForeignFile::number(std::string_view path) {
  const Node* node = take(path);
  if (!node) return std::nullopt;
  if (node->kind == Node::Kind::scalar)
    if (const auto value = to_double(node->text)) return value;
  mismatch(path, *node, "a number");
  return std::nullopt;
}

std::optional<std::int64_t> ForeignFile::integer(std::string_view path) {
  const Node* node = take(path);
  if (!node) return std::nullopt;
  if (node->kind == Node::Kind::scalar) {
    if (const auto value = to_int(node->text)) return value;
    constexpr double kExact = 9007199254740992.0;  // 2^53: whole numbers beyond it are not exact in a double
    const auto real = to_double(node->text);
    if (real && *real > -kExact && *real < kExact && *real == static_cast<double>(static_cast<std::int64_t>(*real)))
      return static_cast<std::int64_t>(*real);  // "3.0"
  }
  mismatch(path, *node, "a whole number");
  return std::nullopt;
}

std::optional<bool> ForeignFile::flag(std::string_view path) {
  const Node* node = take(path);
  if (!node) return std::nullopt;
  if (const auto value = as_flag(*node)) return value;
  mismatch(path, *node, "true or false");
  return std::nullopt;
}

std::vector<std::string> ForeignFile::words(std::string_view path) {
  const Node* node = take(path);
  if (!node) return {};
  std::vector<std::string> found;
  if (node->kind == Node::Kind::scalar) {
    for (const std::string& word : split(node->text, ','))
      if (!trim(word).empty()) found.emplace_back(trim(word));
    return found;
  }
  if (node->kind == Node::Kind::list && std::all_of(node->items.begin(), node->items.end(),
                                                    [](const Node& item) { return item.kind == Node::Kind::scalar; })) {
    for (const Node& item : node->items) found.push_back(item.text);
    return found;
  }
  mismatch(path, *node, "a list of words");
  return {};
}

void ForeignFile::ignore(std::initializer_list<std::string_view> paths) {
  taken_.insert(taken_.end(), paths.begin(), paths.end());
}

void ForeignFile::note(Note::Kind kind, std::string_view path, const std::string& text) {
  const Node* node = path.empty() ? nullptr : find(path);
  notes_.push_back({kind, node ? node->mark : config::Mark{document_.mark.source, 0, 0}, text});
}

bool ForeignFile::is_known(const std::string& path) const {
  return std::find(taken_.begin(), taken_.end(), path) != taken_.end();
}

void ForeignFile::note_rest_of(const Node& map, const std::string& prefix) {
  for (const auto& entry : map.entries) {
    const std::string path = prefix + entry.key;
    if (is_known(path) || says_nothing(entry.value)) continue;
    const bool looked_inside = std::any_of(taken_.begin(), taken_.end(),
                                           [&](const std::string& known) { return known.starts_with(path + "."); });
    if (entry.value.kind == Node::Kind::map && looked_inside) {
      note_rest_of(entry.value, path + ".");
      continue;
    }
    if (as_flag(entry.value) == false) continue;
    std::string value = entry.value.describe();
    if (value.size() > 60) value = value.substr(0, 57) + "...";
    notes_.push_back({Note::Kind::dropped, entry.key_mark, cat(path, ": ", value)});
  }
}

void ForeignFile::note_the_rest() { note_rest_of(document_, ""); }

}  // namespace pst::importers
