// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <functional>

#include "core/strings.hpp"
#include "report/compare.hpp"
#include "report/markdown.hpp"
#include "report/page.hpp"

namespace pst::report {
namespace {

using nlohmann::ordered_json;

std::string value_in(const ordered_json& value, const std::string& unit) {
  if (value.is_null()) return "not known";
  if (value.is_string()) return value.get<std::string>();
  if (unit == "s") return seconds_text(value);
  if (unit == "share") return percent_text(value);
  if (unit == "B") return bytes_text(value);
  if (unit == "FLOP/s") return flops_text(value);
  if (value.is_number_integer()) return count_text(value);
  const double number_ = value.get<double>();
  const int digits = number_ != 0 && std::abs(number_) < 100
                         ? std::min(6, std::max(0, 3 - static_cast<int>(std::floor(std::log10(std::abs(number_))))))
                         : 0;
  return cat(digits == 0 ? grouped(std::llround(number_)) : fixed(number_, digits), unit.empty() ? "" : " " + unit);
}

using Cell = MarkdownCell;  // a page has the same: a text, and whether it is the best of its row
using Rows = std::vector<std::vector<Cell>>;

/// One way through the comparison for both forms. They take texts, and escape them.
struct Form {
  std::function<std::string(const std::vector<std::string>&, const Rows&)> table;
  std::function<std::string(const std::string&)> title, paragraph;
};

std::string tables(const ordered_json& c, const Form& form) {
  std::vector<std::string> head = {""};
  for (const auto& name : c["runs"]) head.push_back(name.get<std::string>());

  Rows rows;
  for (const auto& metric : c["metrics"]) {
    std::vector<Cell> row = {{metric["metric"].get<std::string>()}};
    for (std::size_t i = 0; i < metric["values"].size(); ++i)
      row.push_back({value_in(metric["values"][i], metric["unit"].get<std::string>()), metric["best"] == i});
    rows.push_back(row);
  }
  std::string out = form.title("Results") + form.paragraph("The best value of a row is marked.");
  for (const auto& note : c["notes"]) out += form.paragraph(note.get<std::string>());
  out += form.table(head, rows);

  if (const auto& reached = c["to_loss"]; reached.is_object()) {
    rows.clear();
    for (const auto& run : reached["runs"])
      rows.push_back({{run["run"].get<std::string>()},
                      {value_in(run["step"], "")},
                      {value_in(run["seconds"], "s")},
                      {value_in(run["node_hours"], "h")},
                      {value_in(run["money"], "")}});
    out += form.title(cat("Time and cost to a ", reached["of"].get<std::string>(), " loss of ",
                          fixed(reached["loss"].get<double>(), 4), " nat"));
    out += form.paragraph(reached["given"].get<bool>()
                              ? "The loss was given. Time counts from the first step."
                              : "The lowest loss that every run has reached. Time counts from the first step.");
    out += form.table({"run", "at step", "time", "node hours", "money"}, rows);
  }

  rows.clear();
  for (const auto& setting : c["settings"]) {
    std::vector<Cell> row = {{setting["key"].get<std::string>() +
                              (setting["alters_result"].get<bool>() ? "" : " (does not alter the result)")}};
    for (const auto& value : setting["values"])
      row.push_back({value.is_null() ? "not there" : value.get<std::string>()});
    rows.push_back(row);
  }
  out += form.title("Settings that differ");
  return out + (rows.empty() ? form.paragraph("None: the effective recipes are the same.") : form.table(head, rows));
}

std::string page_table(const std::vector<std::string>& head, const Rows& rows) {
  std::vector<Column> columns;
  for (const auto& title : head) columns.push_back({title, !columns.empty()});
  std::vector<std::vector<Html>> cells;
  for (const auto& row : rows) {
    cells.emplace_back();
    for (const auto& cell : row)
      cells.back().push_back(cell.is_strong ? markup("<b>", cell.text, " &#9733;</b>") : Html(cell.text));
  }
  return html_table(columns, cells).code();
}

}  // namespace

std::string comparison_page(const std::vector<Compared>& runs, const ordered_json& comparison) {
  std::vector<Series> series;
  for (const auto& run : runs) series.push_back({run.name, run.report["curves"]});
  const Form form{.table = page_table,
                  .title = [](const std::string& text) { return markup("<h2>", text, "</h2>\n").code(); },
                  .paragraph = [](const std::string& text) { return markup("<p>", text, "</p>\n").code(); }};
  const Html body =
      markup("<p class=soft>PEFT Studio, comparison of runs</p><h1>", runs.size(), " runs</h1>\n<section>",
             Html::made_of(tables(comparison, form)), "</section><section><h2>Curves</h2>", axis_switch(),
             chart("Loss", "loss", "loss (nat per token)", "nat", series),
             chart("Throughput", "tokens_per_s", "tokens per second", "tokens/s", series),
             chart("Gradient norm, before clipping", "grad_norm", "norm (no unit)", "", series),
             chart("Learning rate", "lr", "rate (no unit)", "", series), "</section>\n");
  return whole_page("Comparison of runs", body, curves_data(series, ordered_json::array(), {}));
}

std::string comparison_markdown(const ordered_json& comparison) {
  const Form form{.table = markdown_table,
                  .title = [](const std::string& text) { return cat("## ", markdown_text(text), "\n\n"); },
                  .paragraph = [](const std::string& text) { return cat(markdown_text(text), "\n\n"); }};
  return "# Comparison of runs\n\n" + tables(comparison, form);
}

}  // namespace pst::report
