// SPDX-License-Identifier: Apache-2.0
#include "config/catalogue.hpp"

#include "core/strings.hpp"

namespace pst::config {
namespace {

class Lister final : public Fields {
 public:
  Lister(std::string section, std::vector<CatalogueRow>& rows) : section_(std::move(section)), rows_(rows) {}

 protected:
  void on_value(const Key& key, AnyValue& value) override {
    const bool required = key.need == Need::required;
    rows_.push_back({section_, key.name, value.type(), required ? std::string() : to_flow(value.write()),
                     key.constraint.wish, key.help, required, false});
  }
  void on_section(const Key& key, const std::function<void(Fields&)>& bind_it) override {
    const std::string path = inside(key);
    std::string anchor = path;  // as Markdown makes it of a heading
    std::erase(anchor, '.');
    rows_.push_back({section_, key.name, cat("[section](#", anchor, ")"), "", "", key.help, false, true});
    Lister inner(path, later_);
    bind_it(inner);
    inner.finish();
  }
  void on_sections(const Key& key, AnySections& sections) override {
    const bool required = key.need == Need::required;
    rows_.push_back({section_, key.name, "list of sections", required ? "" : "[]", "", key.help, required, true});
    sections.resize(1);
    Lister inner(inside(key) + "[]", later_);
    sections.bind_item(0, inner);
    inner.finish();
  }

 public:
  /// The sections inside come after this one's own keys.
  void finish() {
    rows_.insert(rows_.end(), later_.begin(), later_.end());
    later_.clear();
  }

 private:
  std::string inside(const Key& key) const { return section_.empty() ? key.name : cat(section_, ".", key.name); }

  std::string section_;
  std::vector<CatalogueRow>& rows_;
  std::vector<CatalogueRow> later_;
};

/// A bar would end the table's cell.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::vector<CatalogueRow> catalogue(const std::function<void(Fields&)>& bind_it) {
  std::vector<CatalogueRow> rows;
  Lister lister("", rows);
  bind_it(lister);
  lister.finish();
  return rows;
}

std::string to_markdown(const std::vector<CatalogueRow>& rows) {
  std::string out;
  std::string section = "?";
  for (const auto& row : rows) {
    if (row.section != section) {
      section = row.section;
      out += cat(out.empty() ? "" : "\n", "## ", section.empty() ? "Top level" : section,
                 "\n\n| key | value | default | meaning |\n|---|---|---|---|\n");
    }
    const std::string initial = row.required ? "required" : row.initial.empty() ? "" : cat("`", row.initial, "`");
    const std::string value = row.wish.empty() ? row.type : cat(row.type, ", ", row.wish);
    out += cat("| `", row.key, "` | ", cell(value), " | ", cell(initial), " | ", cell(row.help), " |\n");
  }
  return out;
}

}  // namespace pst::config
