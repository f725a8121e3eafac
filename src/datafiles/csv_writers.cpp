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
        schema_(*settings.schema),
        columns_(schema_.columns()),
        delimiter_(delimiter),
        excel_(settings.for_excel == ForExcel::yes) {
    std::string header;
    for (const Column& column : columns_)
      header += cat(header.empty() ? "" : std::string(1, delimiter_), cell(column.name));
    file_.write(cat(excel_ ? "\xef\xbb\xbf" : "", header, end()));
  }

  void write(const Row& row) override {
    std::string line;
    values_.assign(columns_.size(), nullptr);  // a row finds its keys by walking, the schema does not
    for (auto item = row.values.begin(); item != row.values.end(); ++item)
      if (const Column* const column = schema_.find(item.key()); column != nullptr)
        values_[static_cast<std::size_t>(column - columns_.data())] = &item.value();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) line += delimiter_;
      const Json* const value = values_[i];
      if (value == nullptr || value->is_null()) continue;
      line += columns_[i].kind == Kind::text ? cell(value->get_ref<const std::string&>())
                                             : csv_cell(json_text(*value), delimiter_);
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
  const Schema& schema_;
  const std::vector<Column>& columns_;
  std::vector<const Json*> values_;  // of a row, by column
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
