// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/strings.hpp"
#include "datafiles/lines.hpp"
#include "datafiles/record_container.hpp"

namespace pst::datafiles {
namespace {

/// Each line that is not blank is a record {"text": ...}.
class TextRows final : public RowReader {
 public:
  explicit TextRows(const DataFile& file) : window_(file.text()), lines_(window_) {}

  std::optional<Row> next() override {
    while (const auto line = lines_.next()) {
      if (trim(*line).empty()) continue;
      if (auto flaw = flaw_of_line(*line)) throw Error(Fault::data, std::move(*flaw));
      Row row;
      row.values["text"] = *line;
      return row;
    }
    return std::nullopt;
  }
  int place() const override { return lines_.number(); }

 private:
  Window window_;
  Lines lines_;
};

}  // namespace

extern const Container kText, kYaml;
const Container kText{
    "text",
    "plain text",
    {".txt"},
    nullptr,
    Container::Place::line,
    Container::Holds::text,
    [](const DataFile& file) -> std::unique_ptr<RowReader> { return std::make_unique<TextRows>(file); }};
const Container kYaml{"yaml", "YAML", {".yml", ".yaml"}, nullptr, Container::Place::line, Container::Holds::text,
                      nullptr};

}  // namespace pst::datafiles
