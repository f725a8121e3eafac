// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datafiles/byte_stream.hpp"

namespace pst::datafiles {

struct Cell {
  std::string text;
  bool is_quoted = false;
};

/// The rows of a table of text: cells between delimiters; a cell in double quotes may hold delimiters, line ends and
/// doubled quotes. Rows end with LF, CRLF or CR. Blank lines are none. @see RFC 4180
class CsvRows {
 public:
  static constexpr std::size_t kMostCells = 4096;  ///< of a row

  CsvRows(Window& window, char delimiter) : window_(window), delimiter_(delimiter) {}

  /// The next one, or nothing at the end. @throws Error(data), without the place, for one that is wrong: the next call
  /// goes on behind it, but for a quote that does not end
  std::optional<std::vector<Cell>> next();
  int line() const { return line_; }  ///< where the latest row begins; from 1

 private:
  char at(std::size_t index);  // NUL behind the end

  Window& window_;
  char delimiter_;
  int line_ = 0, here_ = 1;
  bool is_first_ = true, is_over_ = false;
};

/// Whether a text can stand between cells: one ASCII character, no quote and no line end.
bool is_delimiter(std::string_view text);

/// Which of , ; tab | stands between the cells of a table that begins like this: the one that cuts its first rows into
/// the same number of cells, more than one; a comma where none does. A first line "sep=;" says it.
char delimiter_of(std::string_view front);

/// A cell as a CSV file has it, in quotes where it must be. An empty text is "", so that it differs from no value.
std::string csv_cell(std::string_view text, char delimiter);

}  // namespace pst::datafiles
