// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace pst::report {

/// The report as one page that needs nothing else: no network, no second file. @param report  of summarise()
std::string report_page(const nlohmann::ordered_json& report);

// What pages are put together from.

std::string escaped(std::string_view text);  ///< for HTML's text and attributes
/// A value with its unit; "not known" for null.
std::string seconds_text(const nlohmann::ordered_json& value);
std::string percent_text(const nlohmann::ordered_json& value, int digits = 1);
std::string bytes_text(const nlohmann::ordered_json& value);
std::string value_text(const nlohmann::ordered_json& value, int digits, std::string_view unit);
std::string count_text(const nlohmann::ordered_json& value);

struct Column {
  std::string title;
  bool is_number = false;
};
/// Cells are HTML already. Too wide for the screen it scrolls by itself.
std::string html_table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows);

/// What the page's script draws (page/report.js). One series per run.
struct Series {
  std::string name;
  nlohmann::ordered_json curves;
};
struct Mark {
  double step = 0, seconds = 0;
  bool bad = false;
};
std::string curves_data(const std::vector<Series>& series, const nlohmann::ordered_json& evaluations,
                        const std::vector<Mark>& marks);
/// A place for a chart, and the table under it.
std::string chart(std::string_view title, std::string_view column, std::string_view axis, std::string_view unit,
                  const std::vector<Series>& series);
std::string axis_switch();
/// Doctype, style, body, scripts.
std::string whole_page(std::string_view title, std::string_view body, std::string_view data);

const char* page_style();    // page/report.css
const char* page_script();   // page/report.js
const char* chart_script();  // dygraphs, with its licence
const char* chart_style();

}  // namespace pst::report
