// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "datafiles/row_reader.hpp"
#include "datafiles/schema.hpp"

namespace pst::datafiles {

enum class ForExcel { no, yes };

/// Writes records to a file, which is at its place once finish() is done.
class RowWriter {
 public:
  virtual ~RowWriter() = default;
  virtual void write(const Row& row) = 0;
  virtual void finish() = 0;
  virtual std::uint64_t bytes() const = 0;  ///< written so far, before compression
};

struct WriterSettings {
  std::string path;
  const Schema* schema = nullptr;  ///< of all records, where the form needs one; outlives the writer
  ForExcel for_excel = ForExcel::no;
};

/// A form in which records can be written: a row of writers().
struct WriterKind {
  const char* word;                        ///< "csv"
  std::vector<std::string_view> suffixes;  ///< of names, without that of a compression
  bool needs_schema;                       ///< the records are read twice: columns first
  std::unique_ptr<RowWriter> (*open)(const WriterSettings& settings);
};

/// A record on one line: its text as it was read where it stood on one line of JSON, so that what does not change stays
/// byte for byte.
std::string line_of(const Row& row);

std::span<const WriterKind* const> writers();

/// By the suffix of a name. @throws Error(usage) naming those that are known
const WriterKind& writer_for(const std::string& path);

}  // namespace pst::datafiles
