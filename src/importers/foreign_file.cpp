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

std::string shown(const Node& value) {
  const std::string text = value.describe();
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

}  // namespace

const Node* ForeignFile::find(std::string_view path) const {
  const Node* at = &document_;
  for (const std::string& part : split(path, '.')) {
    const auto bracket = part.find('[');
    if (at->kind != Node::Kind::map) return nullptr;
    at = at->find(part.substr(0, bracket));
    if (!at) return nullptr;
    if (bracket == part.npos) continue;
    const auto index = to_int(part.substr(bracket + 1, part.size() - bracket - 2));
    if (at->kind != Node::Kind::list || !index || *index < 0 || *index >= static_cast<std::int64_t>(at->items.size()))
      return nullptr;
    at = &at->items[static_cast<std::size_t>(*index)];
  }
  return at;
}

std::vector<std::string> ForeignFile::items(std::string_view path) const {
  const Node* const node = find(path);
  std::vector<std::string> paths;
  if (node && node->kind == Node::Kind::map) paths.emplace_back(path);
  if (node && node->kind == Node::Kind::list)
    for (std::size_t i = 0; i < node->items.size(); ++i) paths.push_back(cat(path, "[", i, "]"));
  return paths;
}

const Node* ForeignFile::take(std::string_view path) {
  taken_.emplace_back(path);
  const Node* node = find(path);
  return node && !says_nothing(*node) ? node : nullptr;
}

config::Mark ForeignFile::origin() {
  if (group_end_ < taken_.size()) {
    group_begin_ = group_end_;
    group_end_ = taken_.size();
  }
  const std::string file = document_.mark.source ? *document_.mark.source : std::string();
  std::vector<std::string> there;
  int line = 0;
  for (std::size_t i = group_begin_; i < group_end_; ++i) {
    const Node* const node = find(taken_[i]);
    if (!node || says_nothing(*node) || std::find(there.begin(), there.end(), taken_[i]) != there.end()) continue;
    if (line == 0) line = node->mark.line;
    there.push_back(taken_[i]);
  }
  const std::string place = there.empty() ? file : cat(file, ":", line, ": ", join(there, ", "));
  return {std::make_shared<const std::string>(place), 0, 0};
}

void ForeignFile::mismatch(std::string_view path, const Node& value, const char* wanted) {
  notes_.push_back({Note::Kind::dropped, value.mark, cat(path, " is ", value.describe(), ", and not ", wanted)});
}

std::optional<std::string> ForeignFile::text(std::string_view path) {
  const Node* node = take(path);
  if (!node) return std::nullopt;
  if (node->kind != Node::Kind::scalar) {
    mismatch(path, *node, "a text");
    return std::nullopt;
  }
  if (node->text.find("${") != std::string::npos)
    note(Note::Kind::to_do, path, cat(path, " is ", shown(*node), ": write what it stands for"));
  return node->text;
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
  ignored_.insert(ignored_.end(), paths.begin(), paths.end());
}

void ForeignFile::note(Note::Kind kind, std::string_view path, const std::string& text) {
  const Node* node = path.empty() ? nullptr : find(path);
  notes_.push_back({kind, node ? node->mark : config::Mark{document_.mark.source, 0, 0}, text});
}

void ForeignFile::drop(std::string_view path, const std::string& why) {
  const Node* const node = find(path);
  note(Note::Kind::dropped, path, cat(path, ": ", node ? shown(*node) : "", why));
}

bool ForeignFile::is_known(const std::string& path) const {
  const auto has = [&](const std::vector<std::string>& paths) {
    return std::find(paths.begin(), paths.end(), path) != paths.end();
  };
  return has(taken_) || has(ignored_);
}

bool ForeignFile::looked_inside(const std::string& path) const {
  const auto is_inside = [&](const std::string& known) {
    return known.size() > path.size() && known.starts_with(path) &&
           (known[path.size()] == '.' || known[path.size()] == '[');
  };
  return path.empty() || std::any_of(taken_.begin(), taken_.end(), is_inside) ||
         std::any_of(ignored_.begin(), ignored_.end(), is_inside);
}

void ForeignFile::note_rest_of(const Node& value, const config::Mark& mark, const std::string& path) {
  if (is_known(path) || says_nothing(value)) return;
  if (value.kind == Node::Kind::map && looked_inside(path)) {
    for (const auto& entry : value.entries)
      note_rest_of(entry.value, entry.key_mark, path.empty() ? entry.key : cat(path, ".", entry.key));
  } else if (value.kind == Node::Kind::list && looked_inside(path)) {
    for (std::size_t i = 0; i < value.items.size(); ++i)
      note_rest_of(value.items[i], value.items[i].mark, cat(path, "[", i, "]"));
  } else {
    notes_.push_back({Note::Kind::dropped, mark, cat(path, ": ", shown(value))});
  }
}

void ForeignFile::note_the_rest() { note_rest_of(document_, document_.mark, ""); }

}  // namespace pst::importers
