// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <vector>

#include "cli/verb.hpp"
#include "datafiles/write_rows.hpp"

namespace pst::cli {

/// What the commands that read and write records have in common.
struct RowArguments {
  std::vector<std::string> inputs;
  std::string output, split, subset, row_template, types;
  std::vector<std::string> columns;
  datafiles::Reading reading;
  std::string shard_size;
  bool skip_bad = false, for_excel = false;

  datafiles::RowSource source() const;
  /// --column prompt=question ... @throws Error(usage) for what is no pair of names
  std::map<std::string, std::string> column_names() const;
  datafiles::Bad bad() const { return skip_bad ? datafiles::Bad::leave_out : datafiles::Bad::refuse; }
  datafiles::Output target() const;
};

/// IN... and how they are read.
void add_input_arguments(CLI::App& app, RowArguments& arguments);
/// --output FILE and how it is written.
void add_output_arguments(CLI::App& app, RowArguments& arguments, const char* help);

/// "120 records in a.jsonl", and what was left out.
void print_written(const datafiles::Written& written);
void print_left_out(const datafiles::RowSource& source);

}  // namespace pst::cli
