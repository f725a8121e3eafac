// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/parse.hpp"

namespace pst::json {

class Node;
class Object;

inline constexpr std::int64_t kMaxSize = std::int64_t{1} << 31;  ///< of a dimension: products of two cannot overflow

/// A text and its value. Nodes and objects look into it: it outlives them.
class Document {
 public:
  /// @param name    the file, for messages
  /// @param remedy  what a complaint suggests, unless it knows better
  /// @throws Error(data) "<name>:<line>:<column>: not valid JSON: ..."
  Document(std::string text, std::string name, std::string remedy = {}, const Limits& limits = {});
  /// @throws Error(data) when it is missing or over `most_bytes`; Error(io)
  Document(const std::filesystem::path& file, std::uint64_t most_bytes, std::string remedy = {},
           const Limits& limits = {});
  Document(const Document&) = delete;
  ~Document();

  Node root() const;
  Object object() const;  ///< @throws Error(data) when it is something else

  /// "name", or "name:line" of the member or element that `path` names: "rope_scaling.factor", "layouts[2].ranks".
  std::string place_of(std::string_view path) const;
  const std::string& text() const { return text_; }
  const std::string& name() const { return name_; }
  const std::string& remedy() const { return remedy_; }

 private:
  friend class Object;
  std::string text_, name_, remedy_;
  std::unique_ptr<const Value> root_;
  mutable std::set<const Value*> asked_;  // see Object::unasked(): a document is read by one thread
};

/// A value and the way to it. Every function that reads it as something throws Error(data) when it is something else:
/// "config.json:12: 'rope_scaling.factor' is -8; it must be a number above 0".
class Node {
 public:
  const Value& value() const { return *value_; }
  bool is_object() const;
  bool is_list() const;
  bool is_text() const;

  std::string text() const;
  bool flag() const;
  std::int64_t whole(std::int64_t least = 0, std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  int small_whole(int least = 0, int most = std::numeric_limits<int>::max()) const;
  double real(double least = -std::numeric_limits<double>::max(),
              double most = std::numeric_limits<double>::max()) const;
  double positive() const;  ///< above 0
  Object object() const;
  Node element(std::size_t index) const;  ///< of a list that has it
  std::vector<Node> list(std::size_t most = std::numeric_limits<std::size_t>::max()) const;
  // Lists of one kind.
  std::vector<std::string> texts() const;
  std::vector<std::int64_t> wholes(std::int64_t least = 0,
                                   std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  std::vector<double> reals() const;

  const std::string& path() const { return path_; }  ///< "rope_scaling.factor"
  /// "config.json:12: 'rope_scaling.factor'". Reads the text again: for complaints
  std::string place() const;
  /// @throws Error(data) "<place> <reason>". @param remedy  instead of the document's
  [[noreturn]] void refuse(const std::string& reason, const std::string& remedy = {}) const;

 private:
  friend class Document;
  friend class Object;
  Node(const Document& document, const Value& value, std::string path)
      : document_(&document), value_(&value), path_(std::move(path)) {}
  /// `read` of every element. A list may be long: paths are made where one is asked for.
  template <class T, class Fits, class Read>
  std::vector<T> all(Fits&& fits, Read&& read) const;
  const Document* document_;
  const Value* value_;
  std::string path_;
};

/// The members of an object. A key that is absent and one that is null are alike, but for has().
class Object {
 public:
  const Value* find(std::string_view key) const;        ///< null when absent
  std::optional<Node> get(std::string_view key) const;  ///< nothing when absent
  Node at(std::string_view key) const;                  ///< @throws Error(data) "... 'key' is missing"
  bool has(std::string_view key) const;                 ///< there, be it null
  std::vector<std::pair<std::string, Node>> members() const;
  /// Members that say something (null does not) and that nobody has looked at by name so far.
  std::vector<std::pair<std::string, Node>> unasked() const;
  const Node& node() const { return node_; }  ///< the object itself

  // What most files need, in one word. Without "needed" an absent key is nothing, or false.
  std::optional<std::int64_t> size(std::string_view key, std::int64_t most = kMaxSize) const;  ///< 1 to `most`
  std::int64_t needed_size(std::string_view key, std::int64_t most = kMaxSize) const;
  std::optional<double> positive(std::string_view key) const;
  double needed_positive(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;
  bool flag(std::string_view key, bool otherwise = false) const;
  Object inner(std::string_view key) const;  ///< needed

  /// @throws Error(data) "config.json:12: 'key' <reason>"; without the line when the key is absent
  [[noreturn]] void refuse(std::string_view key, const std::string& reason, const std::string& remedy = {}) const;

 private:
  friend class Node;
  explicit Object(Node node) : node_(std::move(node)) {}
  std::string path_of(std::string_view key) const;
  Node node_;
};

/// A value as a message can show it: a string in quotes, the rest as JSON; short, without control characters.
std::string shown(const Value& value);

}  // namespace pst::json
