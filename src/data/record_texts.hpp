// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string_view>

#include "data/text_lines.hpp"

namespace pst::data {

/// The records of a JSON file as texts: one on each line, or the elements of the one list that fills the file. Nothing
/// is read as a whole, so that a list of gigabytes needs no more memory than lines do.
class RecordTexts {
 public:
  explicit RecordTexts(std::string_view text);

  /// The next one, without blank lines. @throws Error(data), without the place, where a list is broken: it ends there
  std::optional<std::string_view> next();
  int line() const { return line_; }  ///< where the latest one, or the mistake, begins; from 1

 private:
  std::optional<std::string_view> next_element();
  void skip_space();
  [[noreturn]] void fail(const char* what);

  TextLines lines_;
  std::string_view list_;  // what is left of a list, behind its bracket
  int line_ = 0, list_line_ = 1;
  bool is_list_ = false, is_first_ = true, is_over_ = false;
};

}  // namespace pst::data
