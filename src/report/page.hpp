// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "report/html.hpp"

namespace pst::report {

/// The report as one page that needs nothing else: no network, no second file. @param report  of summarise()
std::string report_page(const nlohmann::ordered_json& report);

// What pages are put together from.

/// A value with its unit; "not known" for null.
std::string seconds_text(const nlohmann::ordered_json& value);
std::string hours_text(const nlohmann::ordered_json& value);  ///< three digits, however few the hours
std::string percent_text(const nlohmann::ordered_json& value, int digits = 1);
std::string bytes_text(const nlohmann::ordered_json& value);
std::string value_text(const nlohmann::ordered_json& value, int digits, std::string_view unit);
std::string count_text(const nlohmann::ordered_json& value);
std::string flops_text(const nlohmann::ordered_json& value);  ///< "415.5 GFLOP/s"

struct Column {
  std::string title;
  bool is_number = false;
};
/// Too wide for the screen it scrolls by itself.
Html html_table(const std::vector<Column>& columns, const std::vector<std::vector<Html>>& rows);

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
Html chart(const std::string& title, const std::string& column, const std::string& axis, const std::string& unit,
           const std::vector<Series>& series);
Html axis_switch();
/// Doctype, style, body, scripts. Its content security policy lets a browser run these scripts and load nothing.
/// @param data  of curves_data
std::string whole_page(const std::string& title, const Html& body, const std::string& data);
/// The same for a page without charts: no script may run in it.
std::string static_page(const std::string& title, const Html& body);

const char* page_style();          // page/report.css
const char* page_script();         // page/report.js
const char* chart_script();        // dygraphs, with its licence
const char* page_script_sha256();  // in hexadecimal digits
const char* chart_script_sha256();
const char* chart_style();

}  // namespace pst::report
