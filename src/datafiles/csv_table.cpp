// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "datafiles/csv_text.hpp"
#include "datafiles/record_container.hpp"

namespace pst::datafiles {
namespace {

/// The first row has the names of the columns. A cell is a text as it stands; one that is empty and not in quotes has
/// no value, as pandas has it.
class TableRows final : public RowReader {
 public:
  TableRows(const DataFile& file, char delimiter) : window_(file.text()), rows_(window_, delimiter) {}

  std::optional<Row> next() override {
    if (names_.empty() && !read_names()) return std::nullopt;
    auto cells = rows_.next();
    if (!cells) return std::nullopt;
    if (cells->size() != names_.size())
      throw Error(Fault::data, cat("the row has ", cells->size(), cells->size() == 1 ? " cell" : " cells",
                                   ", and the header ", names_.size(),
                                   cells->size() > names_.size() ? "; a cell with a delimiter in it stands in quotes"
                                                                 : "; every row has as many cells as the header"));
    Row row;
    auto& members = row.values.get_ref<Json::object_t&>();
    members.reserve(names_.size());
    for (std::size_t i = 0; i < names_.size(); ++i) {
      Cell& cell = (*cells)[i];
      Json value;
      if (!cell.text.empty() || cell.is_quoted) value = std::move(cell.text);
      static_cast<std::vector<Json::object_t::value_type>&>(members).emplace_back(names_[i], std::move(value));
    }
    return row;
  }
  int place() const override { return rows_.line(); }

 private:
  /// @return false where the file ends before
  bool read_names() {
    if (is_broken_) return false;
    is_broken_ = true;
    auto header = rows_.next();
    if (header && header->size() <= 2 && lower(header->front().text).starts_with("sep=")) header = rows_.next();
    if (!header) return false;
    std::set<std::string> seen;
    std::vector<std::string> names;
    for (Cell& cell : *header) {
      // As pandas calls the column that its to_csv writes without a name.
      if (cell.text.empty()) cell.text = cat("Unnamed: ", names.size());
      if (!seen.insert(cell.text).second)
        throw Error(Fault::data, cat("the header names the column ", quoted(cell.text, 60), " twice"));
      names.push_back(std::move(cell.text));
    }
    names_ = std::move(names);
    is_broken_ = false;
    return true;
  }

  Window window_;
  CsvRows rows_;
  std::vector<std::string> names_;
  bool is_broken_ = false;  // there is no header, and no row can be read
};

}  // namespace

extern const Container kCsv, kTsv;
const Container kCsv{"csv",
                     "CSV",
                     {".csv"},
                     nullptr,
                     Container::Place::line,
                     Container::Holds::text,
                     [](const DataFile& file) -> std::unique_ptr<RowReader> {
                       return std::make_unique<TableRows>(file, file.reading().delimiter.front());
                     }};
const Container kTsv{
    "tsv",
    "TSV",
    {".tsv", ".tab"},
    nullptr,
    Container::Place::line,
    Container::Holds::text,
    [](const DataFile& file) -> std::unique_ptr<RowReader> { return std::make_unique<TableRows>(file, '\t'); }};

}  // namespace pst::datafiles
