// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/strings.hpp"
#include "datafiles/csv_text.hpp"
#include "datafiles/output_file.hpp"
#include "datafiles/row_writer.hpp"

namespace pst::datafiles {
namespace {

/// One row per record, its values in the order of the schema's columns. Null and missing values are empty cells.
class TableWriter final : public RowWriter {
 public:
  TableWriter(const WriterSettings& settings, char delimiter)
      : file_(settings.path),
        columns_(settings.schema->columns()),
        delimiter_(delimiter),
        excel_(settings.for_excel == ForExcel::yes) {
    std::string header;
    for (const Column& column : columns_)
      header += cat(header.empty() ? "" : std::string(1, delimiter_), cell(column.name));
    file_.write(cat(excel_ ? "\xef\xbb\xbf" : "", header, end()));
  }

  void write(const Row& row) override {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) line += delimiter_;
      const auto found = row.values.find(columns_[i].name);
      if (found == row.values.end() || found->is_null()) continue;
      line += columns_[i].kind == Kind::text ? cell(found->get_ref<const std::string&>())
                                             : csv_cell(json_text(*found), delimiter_);
    }
    file_.write(line + end());
  }
  void finish() override { file_.commit(); }
  std::uint64_t bytes() const override { return file_.text_bytes(); }

 private:
  const char* end() const { return excel_ ? "\r\n" : "\n"; }
  /// A spreadsheet runs a text that begins like a formula; behind an apostrophe it shows it.
  std::string cell(const std::string& text) const {
    const bool is_formula =
        excel_ && !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
    return csv_cell(is_formula ? "'" + text : text, delimiter_);
  }

  OutputFile file_;
  std::vector<Column> columns_;
  char delimiter_;
  bool excel_;
};

}  // namespace

extern const WriterKind kCsvWriter, kTsvWriter;
const WriterKind kCsvWriter{"csv", {".csv"}, true, [](const WriterSettings& settings) -> std::unique_ptr<RowWriter> {
                              return std::make_unique<TableWriter>(settings, ',');
                            }};
const WriterKind kTsvWriter{
    "tsv", {".tsv", ".tab"}, true, [](const WriterSettings& settings) -> std::unique_ptr<RowWriter> {
      return std::make_unique<TableWriter>(settings, '\t');
    }};

}  // namespace pst::datafiles
