// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.hpp"

namespace pst::config {

/// A YAML value with its place. Maps keep the order of the file.
struct Node {
  enum class Kind { null, scalar, list, map };
  struct Entry;

  Kind kind = Kind::null;
  std::string text;     ///< of a scalar
  bool quoted = false;  ///< a scalar in quotes is text whatever it looks like
  Mark mark;
  std::vector<Node> items;     ///< of a list
  std::vector<Entry> entries;  ///< of a map

  static Node scalar(std::string text);  ///< plain: a number, a word
  static Node string(std::string text);  ///< quoted where YAML or our readers would take it for something else
  static Node list();
  static Node map();

  const Node* find(std::string_view key) const;  ///< of a map; nullptr when absent
  std::string describe() const;                  ///< for messages: -8, "abc", a list, a section, empty
};

struct Node::Entry {
  std::string key;
  Mark key_mark;
  Node value;
};

/// The first character that no name, path or number has: control characters of ASCII and of Unicode (U+0080 to U+009F),
/// line and paragraph separators; as text to show, "\x0a". A newline in a job's name would become a line of its script.
std::optional<std::string> find_unprintable(std::string_view text);

/// The node as block YAML, ending in a newline; lists without maps in them stay on one line.
std::string to_yaml(const Node& node);
/// The node on one line, as in `{path: a.jsonl}`.
std::string to_flow(const Node& node);

}  // namespace pst::config
