// SPDX-License-Identifier: Apache-2.0
#include "datafiles/row_source.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "datafiles/find_files.hpp"

namespace pst::datafiles {

RowSource::RowSource(const std::vector<std::string>& paths, const std::string& split, const std::string& subset,
                     const Reading& reading, Columns columns, std::optional<Schema> types)
    : columns_(std::move(columns)), types_(std::move(types)) {
  for (const std::string& path : paths)
    for (const std::string& file : find_files({path, split, "train", subset}).files)
      files_.push_back(DataFile::open(file, reading));
}

void RowSource::convert_cells(Row& row, const DataFile& file) const {
  const std::string_view word = file.container().word;
  if (!types_ || (word != "csv" && word != "tsv")) return;
  for (const auto& cell : row.values.items())  // a row finds its keys by walking; the columns do not
    if (const Column* const column = types_->find(cell.key()); column != nullptr && cell.value().is_string())
      cell.value() = Schema::value_of(*column, cell.value().get_ref<const std::string&>());
}

void RowSource::read(Bad bad, const std::function<bool(Row&, std::int64_t)>& take) {
  constexpr int kMostProblems = 20;
  left_out_.clear();
  count_left_out_ = 0;
  config::Problems problems;
  std::int64_t number = 0;
  for (const DataFile& file : files_) {
    const auto rows = file.rows();
    int wrong = 0;
    for (bool more = true; more && wrong < kMostProblems;) {
      std::optional<Row> row;
      try {
        row = rows->next();
        if (!row) break;
        convert_cells(*row, file);
        if (columns_.changes()) {
          row->values = columns_.applied(std::move(row->values));
          row->text = {};
        }
      } catch (const Error& error) {
        if (error.fault() != Fault::data) throw;
        if (bad == Bad::refuse) {
          problems.add(file.at(rows->place()), error.message());
          if (++wrong == kMostProblems)
            problems.add(file.at(rows->place()),
                         cat("after ", kMostProblems, " problems the rest of the file was not read"));
        } else if (count_left_out_++ < kMostProblems) {
          left_out_.push_back(cat(file.at(rows->place()).text(), ": ", error.message()));
        }
        continue;
      }
      if (!problems.empty()) continue;  // nothing will come of it: only what else is wrong is of interest
      more = take(*row, number++);
      if (!more) return;
    }
    file.check();
  }
  try {
    problems.throw_if_any(Fault::data);
  } catch (const Error& error) {
    throw Error(Fault::data, error.message(), "correct them, or leave them out with --skip-bad, which lists what went");
  }
}

}  // namespace pst::datafiles
