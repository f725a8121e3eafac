// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "core/strings.hpp"
#include "report/page.hpp"
#include "telemetry/step_line.hpp"

namespace pst::report {

using nlohmann::ordered_json;

namespace {

const char* const kUnknown = "not known";

/// JSON inside a script element: "</script" must not occur, and neither what older parsers take for one.
std::string script_safe(std::string text) {
  for (std::size_t at = 0; (at = text.find('<', at)) != std::string::npos; at += 6) text.replace(at, 1, "\\u003c");
  return text;
}

std::string base64_of_hex(std::string_view hex) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0, count = 0;
  const auto put = [&] {
    out += kDigits[bits >> (count - 6) & 63];
    count -= 6;
  };
  for (const char c : hex) {
    bits = bits << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    count += 4;
    if (count >= 6) put();
  }
  if (count > 0) {
    bits <<= 6 - count;
    count = 6;
    put();
  }
  while (out.size() % 4 != 0) out += '=';
  return out;
}

/// A few rows of a curve, from its first point to its last.
Html curve_table(const std::string& column, const std::string& unit, const std::vector<Series>& series) {
  constexpr std::size_t kRows = 12;
  std::vector<Column> columns = {{"step", true}};
  const bool phases = column == "phases_ms";
  if (phases) {
    for (const char* phase : telemetry::kStepPhaseNames) columns.push_back({cat(phase, " (ms)"), true});
  } else {
    for (const auto& one : series) columns.push_back({cat(one.name, " (", unit, ")"), true});
  }
  std::vector<std::vector<Html>> rows;
  const auto& steps = series.front().curves["step"];
  const std::size_t count = steps.size();
  std::size_t before = count;
  for (std::size_t row = 0; row < std::min(kRows, count); ++row) {
    const std::size_t i = count <= kRows ? row : row * (count - 1) / (kRows - 1);
    if (i == before) continue;
    before = i;
    std::vector<Html> cells = {count_text(steps[i])};
    if (phases) {
      for (const auto& value : series.front().curves["phases_ms"][i])
        cells.emplace_back(value.is_null() ? kUnknown : number(value.get<double>()));
    } else {
      for (const auto& one : series) {
        const auto& values = one.curves[column];
        const bool known = i < values.size() && values[i].is_array();
        cells.emplace_back(known ? number(values[i][1].get<double>()) : kUnknown);
      }
    }
    rows.push_back(cells);
  }
  return html_table(columns, rows);
}

}  // namespace

std::string seconds_text(const ordered_json& value) {
  if (!value.is_number()) return kUnknown;
  const double seconds = value.get<double>();
  if (seconds > 0 && seconds < 10) return cat(fixed(seconds, seconds < 0.1 ? 4 : 2), " s");
  return human_seconds(seconds);
}

std::string hours_text(const ordered_json& value) {
  if (!value.is_number()) return kUnknown;
  const double hours = value.get<double>();
  const int digits = hours > 0 ? std::clamp(2 - static_cast<int>(std::floor(std::log10(hours))), 0, 6) : 0;
  return cat(fixed(hours, digits), " h");
}

std::string percent_text(const ordered_json& value, int digits) {
  return value.is_number() ? cat(fixed(100 * value.get<double>(), digits), " %") : kUnknown;
}

std::string bytes_text(const ordered_json& value) {
  return value.is_number() ? human_bytes(static_cast<std::uint64_t>(std::max(0.0, value.get<double>()))) : kUnknown;
}

std::string value_text(const ordered_json& value, int digits, std::string_view unit) {
  return value.is_number() ? cat(fixed(value.get<double>(), digits), " ", unit) : kUnknown;
}

std::string count_text(const ordered_json& value) {
  return value.is_number_integer() ? grouped(value.get<std::int64_t>()) : kUnknown;
}

std::string flops_text(const ordered_json& value) {
  if (!value.is_number()) return kUnknown;
  double flops = value.get<double>();
  std::size_t unit = 0;
  constexpr std::array<const char*, 6> kUnits = {"FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s", "PFLOP/s"};
  for (; flops >= 1000 && unit + 1 < kUnits.size(); ++unit) flops /= 1000;
  return cat(fixed(flops, unit == 0 ? 0 : 1), " ", kUnits[unit]);
}

Html html_table(const std::vector<Column>& columns, const std::vector<std::vector<Html>>& rows) {
  Html html = "<div class=wide><table><thead><tr>";
  for (const auto& column : columns)
    html += markup("<th", column.is_number ? Html(" class=n") : "", ">", column.title, "</th>");
  html += "</tr></thead><tbody>";
  for (const auto& row : rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      html += markup("<td", i < columns.size() && columns[i].is_number ? Html(" class=n") : "", ">", row[i], "</td>");
    html += "</tr>";
  }
  return markup(html, "</tbody></table></div>\n");
}

std::string curves_data(const std::vector<Series>& series, const ordered_json& evaluations,
                        const std::vector<Mark>& marks) {
  ordered_json data = {
      {"series", ordered_json::array()}, {"evaluations", evaluations}, {"marks", ordered_json::array()}};
  data["phases"] = telemetry::kStepPhaseNames;
  for (const auto& one : series) {
    ordered_json curves = one.curves;
    curves["name"] = one.name;
    data["series"].push_back(std::move(curves));
  }
  for (const auto& mark : marks)
    data["marks"].push_back({{"step", mark.step}, {"seconds", mark.seconds}, {"bad", mark.bad}});
  return script_safe(data.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

Html chart(const std::string& title, const std::string& column, const std::string& axis, const std::string& unit,
           const std::vector<Series>& series) {
  const auto width = series.front().curves.value("steps_per_point", std::int64_t{1});
  const std::string rest = width > 1
                               ? cat("each point: mean of ", width, " steps, with the lowest and the highest as a band")
                               : "each point: one step";
  return markup("<h3>", title, "</h3><div class=chart role=img aria-label=\"", title, "\" data-column=\"", column,
                "\" data-axis=\"", axis, "\" data-unit=\"", unit, "\"></div><div class=reading data-rest=\"", rest,
                "\">", rest, "</div><details><summary>table</summary>", curve_table(column, unit, series),
                "</details>\n");
}

Html axis_switch() {
  return "<div class=switch>Against <label><input type=radio name=axis value=step checked> optimizer steps</label>"
         "<label><input type=radio name=axis value=time> time</label></div>\n";
}

namespace {

/// Everything up to the body's content.
std::string page_head(const std::string& title, const std::string& scripts, const char* more_style) {
  // Were a piece of text to become markup all the same, it could run nothing and ask nobody for anything.
  const std::string policy =
      cat("default-src 'none'; style-src 'unsafe-inline'; ", scripts, "base-uri 'none'; form-action 'none'");
  return cat("<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n<meta http-equiv=\"Content-Security-Policy\" ",
             "content=\"", policy, "\">\n<title>", Html(title).code(),
             "</title>\n<meta name=viewport content=\"width=device-width, initial-scale=1\">\n<meta name=color-scheme "
             "content=\"light dark\">\n<style>\n",
             more_style, page_style(), "</style></head>\n<body><main>\n");
}

}  // namespace

std::string whole_page(const std::string& title, const Html& body, const std::string& data) {
  const std::string scripts = cat("script-src 'sha256-", base64_of_hex(chart_script_sha256()), "' 'sha256-",
                                  base64_of_hex(page_script_sha256()), "'; ");
  return cat(page_head(title, scripts, chart_style()), body.code(),
             "</main>\n<script type=\"application/json\" id=curves>", data, "</script>\n<script>", chart_script(),
             "</script>\n<script>", page_script(), "</script>\n</body></html>\n");
}

std::string static_page(const std::string& title, const Html& body) {
  return cat(page_head(title, "", ""), body.code(), "</main>\n</body></html>\n");
}

}  // namespace pst::report
