// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.hpp"

namespace pst::importers {

/// What an importer has to say about one key of the file it reads.
struct Note {
  enum class Kind {
    to_do,    ///< the recipe cannot run before somebody acts
    changed,  ///< carried over, and not exactly the same here
    dropped,  ///< not carried over
  };
  Kind kind;
  config::Mark mark;  ///< line 0: of the whole file
  std::string text;
};

/// A configuration file of another program. Keys are taken one by one; what nobody has taken is told at the end.
class ForeignFile {
 public:
  explicit ForeignFile(config::Node document) : document_(std::move(document)) {}

  /// The value of `section.key` or `list[0].key`, when it is there and says something: null, "" and [] count as absent.
  const config::Node* take(std::string_view path);
  /// The same for values of one type. A value of another type is noted as dropped.
  std::optional<std::string> text(std::string_view path);
  std::optional<double> number(std::string_view path);
  std::optional<std::int64_t> integer(std::string_view path);
  std::optional<bool> flag(std::string_view path);        ///< true, false; yes and no too
  std::vector<std::string> words(std::string_view path);  ///< of a list, or of one text with commas

  /// The paths of what a list holds: `datasets[0]`, `datasets[1]`. Of a single section, that of itself.
  std::vector<std::string> items(std::string_view path) const;

  /// Keys that have no bearing on what is trained here, each with the reason nobody needs to know.
  void ignore(std::initializer_list<std::string_view> paths);

  void note(Note::Kind kind, std::string_view path, const std::string& text);
  /// A note that a key which was taken is not carried over. @param why  "" or what follows its value
  void drop(std::string_view path, const std::string& why = {});
  /// Adds a note for every key that was neither taken nor ignored; empty values say nothing and get none.
  void note_the_rest();

  /// The keys that were asked for last, one after the other, as a place: "their.yaml:7: lora_r". Of those that are not
  /// there, the file as a whole.
  config::Mark origin();

  const std::vector<Note>& notes() const { return notes_; }
  const std::vector<std::string>& taken() const { return taken_; }  ///< paths that were asked for, there or not
  const config::Node& document() const { return document_; }

 private:
  const config::Node* find(std::string_view path) const;
  void mismatch(std::string_view path, const config::Node& value, const char* wanted);
  void note_rest_of(const config::Node& value, const config::Mark& mark, const std::string& path);
  bool is_known(const std::string& path) const;
  bool looked_inside(const std::string& path) const;

  config::Node document_;
  std::vector<std::string> taken_, ignored_;
  std::size_t group_begin_ = 0, group_end_ = 0;  ///< within taken_: the keys of the last origin()
  std::vector<Note> notes_;
};

}  // namespace pst::importers
