// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <functional>

#include "core/strings.hpp"
#include "report/compare.hpp"
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
  if (value.is_number_integer()) return count_text(value);
  const double number_ = value.get<double>();
  const int digits = number_ != 0 && std::abs(number_) < 100
                         ? std::min(6, std::max(0, 3 - static_cast<int>(std::floor(std::log10(std::abs(number_))))))
                         : 0;
  return cat(digits == 0 ? grouped(std::llround(number_)) : fixed(number_, digits), unit.empty() ? "" : " " + unit);
}

/// One way through the comparison for both forms; `strong` marks the best value, `cell` makes text safe.
struct Form {
  std::function<std::string(const std::string&)> cell, strong;
  std::function<std::string(const std::vector<std::string>&, const std::vector<std::vector<std::string>>&)> table;
  std::function<std::string(const std::string&)> title, paragraph;
};

std::string tables(const ordered_json& c, const Form& form) {
  std::vector<std::string> head = {""};
  for (const auto& name : c["runs"]) head.push_back(form.cell(name.get<std::string>()));

  std::vector<std::vector<std::string>> rows;
  for (const auto& metric : c["metrics"]) {
    std::vector<std::string> row = {form.cell(metric["metric"].get<std::string>())};
    for (std::size_t i = 0; i < metric["values"].size(); ++i) {
      const auto text = form.cell(value_in(metric["values"][i], metric["unit"].get<std::string>()));
      row.push_back(metric["best"] == i ? form.strong(text) : text);
    }
    rows.push_back(row);
  }
  std::string out =
      form.title("Results") + form.paragraph("The best value of a row is marked.") + form.table(head, rows);

  if (const auto& reached = c["to_loss"]; reached.is_object()) {
    rows.clear();
    for (const auto& run : reached["runs"])
      rows.push_back({form.cell(run["run"].get<std::string>()), value_in(run["step"], ""),
                      value_in(run["seconds"], "s"), value_in(run["node_hours"], "h"), value_in(run["money"], "")});
    out += form.title(cat("Time and cost to a ", reached["of"].get<std::string>(), " loss of ",
                          fixed(reached["loss"].get<double>(), 4), " nat"));
    out += form.paragraph(reached["given"].get<bool>()
                              ? "The loss was given. Time counts from the first step."
                              : "The lowest loss that every run has reached. Time counts from the first step.");
    out += form.table({"run", "at step", "time", "node hours", "money"}, rows);
  }

  rows.clear();
  for (const auto& setting : c["settings"]) {
    std::vector<std::string> row = {
        form.cell(setting["key"].get<std::string>() +
                  (setting["alters_result"].get<bool>() ? "" : " (does not alter the result)"))};
    for (const auto& value : setting["values"])
      row.push_back(form.cell(value.is_null() ? "not there" : value.get<std::string>()));
    rows.push_back(row);
  }
  out += form.title("Settings that differ");
  return out + (rows.empty() ? form.paragraph("None: the effective recipes are the same.") : form.table(head, rows));
}

}  // namespace

std::string comparison_page(const std::vector<Compared>& runs, const ordered_json& comparison) {
  std::vector<Series> series;
  for (const auto& run : runs) series.push_back({run.name, run.report["curves"]});
  const Form form{.cell = [](const std::string& text) { return escaped(text); },
                  .strong = [](const std::string& text) { return cat("<b>", text, " &#9733;</b>"); },
                  .table =
                      [](const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
                        std::vector<Column> columns;
                        for (const auto& title : head) columns.push_back({title, !columns.empty()});
                        return html_table(columns, rows);
                      },
                  .title = [](const std::string& text) { return cat("<h2>", escaped(text), "</h2>\n"); },
                  .paragraph = [](const std::string& text) { return cat("<p>", escaped(text), "</p>\n"); }};
  const std::string body = cat("<p class=soft>PEFT Studio, comparison of runs</p><h1>", runs.size(),
                               " runs</h1>\n<section>", tables(comparison, form), "</section><section><h2>Curves</h2>",
                               axis_switch(), chart("Loss", "loss", "loss (nat per token)", "nat", series),
                               chart("Throughput", "tokens_per_s", "tokens per second", "tokens/s", series),
                               chart("Gradient norm, before clipping", "grad_norm", "norm (no unit)", "", series),
                               chart("Learning rate", "lr", "rate (no unit)", "", series), "</section>\n");
  return whole_page("Comparison of runs", body, curves_data(series, ordered_json::array(), {}));
}

std::string comparison_markdown(const ordered_json& comparison) {
  const Form form{.cell =
                      [](const std::string& text) {
                        std::string safe;
                        for (const char c : text)
                          safe += c == '|' ? std::string("\\|") : c == '\n' ? std::string(" ") : std::string(1, c);
                        return safe;
                      },
                  .strong = [](const std::string& text) { return cat("**", text, "**"); },
                  .table =
                      [](const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
                        std::string out = cat("| ", join(head, " | "), " |\n|");
                        for (std::size_t i = 0; i < head.size(); ++i) out += i == 0 ? "---|" : "---:|";
                        out += '\n';
                        for (const auto& row : rows) out += cat("| ", join(row, " | "), " |\n");
                        return out + "\n";
                      },
                  .title = [](const std::string& text) { return cat("## ", text, "\n\n"); },
                  .paragraph = [](const std::string& text) { return cat(text, "\n\n"); }};
  return "# Comparison of runs\n\n" + tables(comparison, form);
}

}  // namespace pst::report
