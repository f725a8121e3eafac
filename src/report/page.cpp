// SPDX-License-Identifier: Apache-2.0
#include "report/page.hpp"

#include "core/strings.hpp"
#include "json/record.hpp"
#include "report/page_sections.hpp"

namespace pst::report {
namespace {

using json::integer;
using json::real;
using json::text_of;
using nlohmann::ordered_json;

std::vector<Mark> marks_of(const ordered_json& report) {
  std::vector<Mark> marks;
  const auto began = real(report["curves"], "began");
  if (!began) return marks;
  for (const auto& fault : report["faults"])
    if (const auto t = real(fault, "t"))
      marks.push_back({static_cast<double>(integer(fault, "step").value_or(0)), *t - *began, true});
  const auto& attempts = report["attempts"];
  for (std::size_t i = 1; i < attempts.size(); ++i)
    if (const auto t = real(attempts[i], "started"))
      marks.push_back({static_cast<double>(integer(attempts[i], "first_step").value_or(0)), *t - *began, false});
  return marks;
}

}  // namespace

std::string report_page(const ordered_json& report) {
  const std::vector<Series> series = {{"mean", report["curves"]}};
  ordered_json evaluations = ordered_json::array();
  if (const auto began = real(report["curves"], "began"))
    for (const auto& e : report["evaluations"])
      evaluations.push_back({{"step", e["step"]}, {"seconds", e["t"].get<double>() - *began}, {"loss", e["loss"]}});

  Html body = markup(heading_section(report), losses_section(report));
  Html phase_chart;
  if (!report["curves"]["step"].empty()) {
    body += markup("<section><h2>Curves</h2>\n", axis_switch(),
                   "<p class=soft hint>Dashed lines: red where an attempt ended by a fault, amber where the next one "
                   "began. Drag to zoom, double-click to go back.</p>\n",
                   chart("Loss", "loss", "loss (nat per token)", "nat", series),
                   chart("Throughput", "tokens_per_s", "tokens per second", "tokens/s", series),
                   chart("Gradient norm, before clipping", "grad_norm", "norm (no unit)", "", series),
                   chart("Learning rate", "lr", "rate (no unit)", "", series), "</section>\n");
    phase_chart = chart("Mean over the ranks", "phases_ms", "milliseconds per step", "ms", series);
  }
  body += markup(time_section(report), phases_section(report, phase_chart), ranks_section(report),
                 machine_section(report), identity_section(report), coverage_section(report));
  body += markup("<p class=soft>Made ", text_of(report, "made"), ".</p>");
  return whole_page(cat("Report of ", text_of(report["run"], "folder")), body,
                    curves_data(series, evaluations, marks_of(report)));
}

}  // namespace pst::report
