// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "datafiles/row_source.hpp"
#include "datafiles/row_writer.hpp"

namespace pst::datafiles {

/// Where and how records are written.
struct Output {
  std::string path;  ///< its suffix says the form
  ForExcel for_excel = ForExcel::no;
  std::optional<std::uint64_t> shard_bytes;  ///< begins another file after so many: NAME-00000.jsonl, NAME-00001 ...
};

struct Written {
  std::int64_t records = 0;
  std::vector<std::string> files;
  std::optional<Schema> schema;  ///< where the form needed one, or it was asked for
};

/// Which records are written, by their number in the source and their values; absent: all.
using Choose = std::function<bool(const Row&, std::int64_t number)>;

enum class WantSchema { if_needed, yes };

/// Writes records in the order of the source. Nothing is at a file's place before it is whole.
/// @throws Error(data) for what is wrong in the source, Error(usage) for the output's name, Error(io)
Written write_rows(RowSource& source, Bad bad, const Output& output, const Choose& choose = {},
                   WantSchema want = WantSchema::if_needed);

/// Writes records one after another to as many files as the output wants.
class ShardedWriter {
 public:
  /// @param source  outlives the writer, as the schema does: none of its files is written
  /// @param schema  used where the kind needs one
  ShardedWriter(const RowSource& source, const WriterKind& kind, Output output, const Schema* schema);

  void write(const Row& row);
  std::vector<std::string> finish();  ///< puts all files at their places, and names them

 private:
  void begin();

  const RowSource& source_;
  const WriterKind& kind_;
  Output output_;
  const Schema* schema_;
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<RowWriter>> writers_;  // all are put at their places together, once nothing was wrong
};

/// @throws Error(usage) when one of the files is to be written, too
void refuse_own_input(const RowSource& source, const std::string& path);

}  // namespace pst::datafiles
