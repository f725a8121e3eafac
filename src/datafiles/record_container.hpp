// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datafiles/data_file.hpp"

namespace pst::datafiles {

/// A form of files that hold records: a row of containers().
struct Container {
  const char* word;                        ///< what a recipe says: "csv"
  const char* title;                       ///< for messages: "CSV"
  std::vector<std::string_view> suffixes;  ///< of names, without that of a compression
  /// Whether the first bytes show it, whatever the name; null where they cannot.
  bool (*fits)(std::string_view front);
  enum class Place { line, row } place;  ///< what RowReader::place() counts
  enum class Holds { text, binary } holds;
  std::unique_ptr<RowReader> (*open)(const DataFile& file);  ///< null: read as a whole by who knows the form
};

/// In the order in which a file is held against them: of a table whose content is JSON the content counts, of a text
/// and of YAML the name.
std::span<const Container* const> containers();

/// "auto" and the word of each row.
std::vector<std::string> container_words();

/// @throws Error(usage) when there is no such word
const Container& container_named(const std::string& word);

}  // namespace pst::datafiles
