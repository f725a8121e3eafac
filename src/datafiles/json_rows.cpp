// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "datafiles/json_texts.hpp"
#include "datafiles/record_container.hpp"

namespace pst::datafiles {
namespace {

class JsonRows final : public RowReader {
 public:
  explicit JsonRows(const DataFile& file) : window_(file.text()), texts_(window_, file.reading().field) {}

  std::optional<Row> next() override {
    const auto text = texts_.next();
    if (!text) return std::nullopt;
    if (auto flaw = flaw_of_line(*text)) throw Error(Fault::data, std::move(*flaw));
    return Row{parse_record(*text), *text};
  }
  int place() const override { return texts_.line(); }

 private:
  Window window_;
  JsonTexts texts_;
};

}  // namespace

extern const Container kJson;
const Container kJson{
    "json",
    "JSON",
    {".jsonl", ".ndjson", ".json"},
    [](std::string_view front) {
      front.remove_prefix(std::min(front.find_first_not_of(" \t\r\n"), front.size()));
      return front.starts_with('{') || front.starts_with("[{");
    },
    Container::Place::line,
    Container::Holds::text,
    [](const DataFile& file) -> std::unique_ptr<RowReader> { return std::make_unique<JsonRows>(file); }};

}  // namespace pst::datafiles
