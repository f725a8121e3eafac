// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/problems.hpp"
#include "datafiles/column_map.hpp"
#include "datafiles/record_container.hpp"
#include "datafiles/schema.hpp"

namespace pst::datafiles {

/// What is done with a record that cannot be read.
enum class Bad { refuse, leave_out };

/// The records of several files as one sequence, which can be read more than once.
class RowSource {
 public:
  /// @param paths   files, folders and patterns
  /// @param types   of the cells of tables of text; without it they are texts
  RowSource(const std::vector<std::string>& paths, const std::string& split, const std::string& subset,
            const Reading& reading, Columns columns, std::optional<Schema> types);

  const std::vector<DataFile>& files() const { return files_; }
  /// Hands over every record with its number from 0, until `take` returns false. With Bad::refuse all that is wrong is
  /// collected, up to 20 problems a file, and thrown at the end; else it is left out, and left_out() has it.
  /// @throws Error(data)
  void read(Bad bad, const std::function<bool(Row&, std::int64_t number)>& take);
  const std::vector<std::string>& left_out() const { return left_out_; }  ///< "a.jsonl:3: why", the first 20
  std::int64_t count_left_out() const { return count_left_out_; }         ///< of the latest read()

 private:
  void convert_cells(Row& row, const DataFile& file) const;

  std::vector<DataFile> files_;
  Columns columns_;
  std::optional<Schema> types_;
  std::vector<std::string> left_out_;
  std::int64_t count_left_out_ = 0;
};

}  // namespace pst::datafiles
