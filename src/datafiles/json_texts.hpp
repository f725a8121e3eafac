// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datafiles/lines.hpp"

namespace pst::datafiles {

/// The records of a JSON file as texts: one on each line, or the elements of the one list that fills the file or stands
/// under a key of the object that does. One record is in memory at a time, however long the list is.
class JsonTexts {
 public:
  /// @param field  the key of the list; empty: the file is the list, or has lines
  JsonTexts(Window& window, std::string field);

  /// The next one, valid until the next call, without blank lines. @throws Error(data), without the place, where a list
  /// is broken: it ends there
  std::optional<std::string_view> next();
  int line() const { return line_; }  ///< where the latest one, or the mistake, begins; from 1

 private:
  enum class Form { unknown, lines, list, under_key };

  void find_form();
  void enter_field();
  void leave_field();
  std::optional<std::string_view> next_element();
  bool skip_space();  // false at the end
  char front();       // the next character that is no space; NUL at the end
  void take(char wanted, const char* what);
  std::string_view value(const char* what_if_torn);  // the value at the front, which stays there
  void skip_value();
  void drop(std::size_t bytes);
  [[noreturn]] void fail(const std::string& what);

  Window& window_;
  Lines lines_;
  std::string field_;
  Form form_ = Form::unknown;
  std::size_t used_ = 0;  // of the window's front, by the latest element
  int line_ = 0, here_ = 1;
  bool is_first_ = true, is_over_ = false;
  std::vector<std::string> keys_;  // of the object around the list, the first few
};

/// The keys of the object that begins a file whose values are lists: what `field` could be. Empty where it is none.
std::vector<std::string> keys_of_lists(std::string_view front);

}  // namespace pst::datafiles
