// SPDX-License-Identifier: Apache-2.0
#include "importers/draft.hpp"

#include "core/strings.hpp"

namespace pst::importers {

using config::Node;

namespace {

void set_marks(Node& node, const config::Mark& mark) {
  node.mark = mark;
  for (Node& item : node.items) set_marks(item, mark);
  for (auto& entry : node.entries) {
    entry.key_mark = mark;
    set_marks(entry.value, mark);
  }
}

}  // namespace

Node& Draft::at(std::string_view path) {
  Node* here = &tree_;
  for (const std::string& key : split(path, '.')) {
    if (here->kind != Node::Kind::map) *here = Node::map();
    Node* next = nullptr;
    for (auto& entry : here->entries)
      if (entry.key == key) next = &entry.value;
    if (!next) {
      here->entries.push_back({key, {}, {}});
      next = &here->entries.back().value;
    }
    here = next;
  }
  return *here;
}

void Draft::set(std::string_view path, Node value) {
  set_marks(value, origin_());
  at(path) = std::move(value);
}
void Draft::set(std::string_view path, const std::string& text) { set(path, Node::string(text)); }
void Draft::set(std::string_view path, double value) { set(path, Node::scalar(number(value))); }
void Draft::set(std::string_view path, std::int64_t value) { set(path, Node::scalar(std::to_string(value))); }
void Draft::set(std::string_view path, bool value) { set(path, Node::scalar(value ? "true" : "false")); }
void Draft::set_word(std::string_view path, const char* word) { set(path, Node::scalar(word)); }

void Draft::add_source(std::string_view list, const std::string& path, const char* format) {
  Node source = Node::map();
  source.entries.push_back({"path", {}, Node::string(path)});
  source.entries.push_back({"format", {}, Node::scalar(format)});
  set_marks(source, origin_());
  Node& sources = at(list);
  if (sources.kind != Node::Kind::list) sources = Node::list();
  sources.items.push_back(std::move(source));
}

const Node* Draft::find(std::string_view path) const {
  const Node* here = &tree_;
  for (const std::string& key : split(path, '.')) {
    here = here->find(key);
    if (!here) return nullptr;
  }
  return here;
}

}  // namespace pst::importers
