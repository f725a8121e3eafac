// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string_view>

#include "datafiles/record_json.hpp"

namespace pst::datafiles {

/// A record as its file has it.
struct Row {
  Json values = Json::object();  ///< in the order of the file; a cell of a table of text is a text
  std::string_view text = {};    ///< the JSON that it was read from, valid until the next row; empty where it was none
};

/// The records of a file, one after the other, of which one is in memory at a time.
class RowReader {
 public:
  virtual ~RowReader() = default;
  /// The next one, or nothing at the end. @throws Error(data), without the place, for one that is wrong; the next call
  /// goes on behind it, and gives nothing where the file cannot be read further
  virtual std::optional<Row> next() = 0;
  /// Where the latest record, or the mistake, begins: a line, or a row where a file has no lines. From 1.
  virtual int place() const = 0;
};

}  // namespace pst::datafiles
