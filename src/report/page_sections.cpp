// SPDX-License-Identifier: Apache-2.0
#include "report/page_sections.hpp"

#include <algorithm>
#include <cmath>

#include "core/clock.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"
#include "report/page.hpp"
#include "telemetry/step_line.hpp"

namespace pst::report {
namespace {

using json::text_of;
using nlohmann::ordered_json;

std::string text(const ordered_json& object, const char* key) { return escaped(text_of(object, key)); }
ordered_json at(const ordered_json& object, const char* key) {
  return object.is_object() ? object.value(key, ordered_json()) : ordered_json();
}

std::string figure(const std::string& value, std::string_view name) {
  return cat("<div class=figure><b>", value, "</b><span>", name, "</span></div>");
}

std::string clock_text(const ordered_json& unix_s) {
  if (!unix_s.is_number()) return "not known";
  std::string iso = iso_time(unix_s.get<double>());
  iso[10] = ' ';
  return iso.substr(0, 19) + " UTC";
}

std::string section(std::string_view title, const std::string& body) {
  return body.empty() ? body : cat("<section><h2>", title, "</h2>\n", body, "</section>\n");
}

/// A bar of shares with the name and value of each part, which also stands in the key below it.
std::string bar(const std::vector<std::pair<std::string, double>>& parts, double whole, std::string_view unit) {
  std::string html = "<div class=bar>";
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (whole > 0 && parts[i].second > 0)
      html += cat("<i class=c", i % 8, " style=\"width:", fixed(100 * parts[i].second / whole, 3), "%\" title=\"",
                  escaped(parts[i].first), " ", fixed(parts[i].second, 3), " ", unit, "\"></i>");
  return html + "</div>";
}

std::string colour_key(const std::vector<std::string>& names) {
  std::string html = "<div class=key>";
  for (std::size_t i = 0; i < names.size(); ++i) html += cat("<span><i class=c", i % 8, "></i>", names[i], "</span>");
  return html + "</div>\n";
}

std::vector<std::pair<std::string, double>> phase_parts(const ordered_json& phases) {
  std::vector<std::pair<std::string, double>> parts;
  for (const char* name : telemetry::kStepPhaseNames) {
    const auto value = at(phases, name);
    parts.emplace_back(name, value.is_number() ? value.get<double>() : 0.0);
  }
  return parts;
}

/// Three digits that say something, however few the hours.
std::string hours_text(const ordered_json& value) {
  if (!value.is_number()) return "not known";
  const double hours = value.get<double>();
  const int digits = hours > 0 ? std::clamp(2 - static_cast<int>(std::floor(std::log10(hours))), 0, 6) : 0;
  return cat(fixed(hours, digits), " h");
}

std::string milliseconds(const ordered_json& value) { return value_text(value, 2, "ms"); }

}  // namespace

std::string heading_section(const ordered_json& report) {
  const auto outcome = at(report, "outcome"), totals = at(report, "totals"), run = at(report, "run"),
             time = at(report, "time");
  const std::string state = text(outcome, "state");
  std::string html = cat("<p class=soft>PEFT Studio, report of a run</p><h1>", text(run, "folder"),
                         " <span class=\"state ", state, "\">", state, "</span></h1>\n");
  if (!text_of(outcome, "reason").empty()) html += cat("<p>", text(outcome, "reason"), "</p>");
  if (!text_of(outcome, "remedy").empty()) html += cat("<p>What to do: ", text(outcome, "remedy"), "</p>");
  html += "<div class=figures>";
  const auto planned = at(totals, "steps_planned");
  html += figure(cat(count_text(at(totals, "steps")), planned.is_number() ? cat(" of ", count_text(planned)) : ""),
                 "optimizer steps");
  html += figure(count_text(at(totals, "tokens")), "tokens trained on");
  html += figure(at(totals, "tokens_per_s").is_number()
                     ? cat(grouped(std::llround(at(totals, "tokens_per_s").get<double>())), " tokens/s")
                     : "not known",
                 "in steps, all ranks together");
  html += figure(seconds_text(at(time, "wall_s")), "from first sign to last");
  html += figure(hours_text(at(at(report, "cost"), "node_hours")), "node hours");
  if (at(totals, "loss_last").is_number())
    html += figure(cat(fixed(at(totals, "loss_first").is_number() ? at(totals, "loss_first").get<double>() : 0, 3),
                       " &rarr; ", fixed(at(totals, "loss_last").get<double>(), 3), " nat"),
                   "training loss, first and last step");
  if (at(outcome, "validation_loss_after").is_number() && at(outcome, "validation_loss_before").is_number())
    html += figure(cat(fixed(at(outcome, "validation_loss_before").get<double>(), 3), " &rarr; ",
                       fixed(at(outcome, "validation_loss_after").get<double>(), 3), " nat"),
                   "validation loss, before and after");
  html += figure(escaped(at(report, "coverage").value("text", "")), "covered by this report");
  html += "</div>\n";
  const auto gaps = at(at(report, "coverage"), "gaps");
  if (gaps.is_array() && !gaps.empty()) {
    html += "<div class=notice><b>Not everything is covered.</b>";
    for (std::size_t i = 0; i < std::min<std::size_t>(5, gaps.size()); ++i)
      html += cat("<br>", escaped(gaps[i].get<std::string>()));
    if (gaps.size() > 5) html += cat("<br>and ", gaps.size() - 5, " more, under Coverage");
    html += "</div>\n";
  }
  return html;
}

std::string losses_section(const ordered_json& report) {
  std::string html;
  std::vector<std::vector<std::string>> rows;
  for (const auto& f : at(report, "faults")) {
    std::string seen;
    for (const auto& note : at(f, "noticed")) {
      if (!seen.empty()) seen += "; ";
      seen += text(note, "event");
      for (const char* key : {"hosts", "nodes"}) {
        if (!note.contains(key)) continue;
        std::vector<std::string> names;
        for (const auto& name : note[key])
          names.push_back(escaped(name.is_string() ? name.get<std::string>() : name.dump()));
        seen += ": " + join(names, ", ");
      }
      if (note.contains("noticed_after_s")) seen += cat(", noticed after ", seconds_text(note["noticed_after_s"]));
    }
    rows.push_back({clock_text(at(f, "t")), count_text(at(f, "attempt")), text(f, "kind"),
                    cat(text(f, "cause"), seen.empty() ? "" : cat("<br><span class=soft>", seen, "</span>")),
                    count_text(at(f, "step")),
                    cat(count_text(at(f, "steps_redone")), " (", seconds_text(at(f, "redone_s")), ")"),
                    seconds_text(at(f, "standstill_s")), text(f, "what_to_do")});
  }
  if (!rows.empty())
    html += html_table({{"when"},
                        {"attempt", true},
                        {"kind"},
                        {"cause"},
                        {"at step", true},
                        {"steps done again", true},
                        {"until the next step", true},
                        {"what to do"}},
                       rows);
  rows.clear();
  for (const auto& w : at(report, "warnings"))
    rows.push_back({clock_text(at(w, "t")), text(w, "kind"), at(w, "step").is_number() ? count_text(at(w, "step")) : "",
                    text(w, "reason"), text(w, "what_to_do")});
  if (!rows.empty())
    html +=
        cat("<h3>Also noted</h3>", html_table({{"when"}, {"event"}, {"step", true}, {"reason"}, {"what to do"}}, rows));
  if (html.empty()) html = "<p>Nothing went wrong: every attempt ended by itself.</p>";
  return section("What was lost, to what, and what to do", html);
}

std::string time_section(const ordered_json& report) {
  const auto time = at(report, "time");
  if (!time.is_object()) return {};
  const std::vector<std::pair<const char*, const char*>> kinds = {
      {"stepping_s", "steps that counted"},       {"evaluating_s", "evaluation"},       {"starting_s", "starting"},
      {"redone_s", "steps done again"},           {"between_steps_s", "between steps"}, {"ending_s", "ending"},
      {"between_attempts_s", "between attempts"}, {"queued_s", "waiting in the queue"}};
  const double wall = at(time, "wall_s").is_number() ? at(time, "wall_s").get<double>() : 0;
  std::vector<std::pair<std::string, double>> parts;
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, name] : kinds) {
    const auto value = at(time, key);
    parts.emplace_back(name, value.is_number() ? value.get<double>() : 0);
    names.emplace_back(name);
    rows.push_back({name, seconds_text(value),
                    value.is_number() && wall > 0 ? percent_text(value.get<double>() / wall) : "not known"});
  }
  std::string html = bar(parts, wall, "s") + colour_key(names);
  html += cat("<p>", percent_text(at(time, "useful_share")),
              " of the time after the queue went into steps that counted.</p>");
  html += cat("<details open><summary>table</summary>",
              html_table({{"kind"}, {"time", true}, {"share of the wall time", true}}, rows), "</details>");
  rows.clear();
  for (const auto& a : at(report, "attempts"))
    rows.push_back({count_text(at(a, "attempt")), count_text(at(a, "nodes")), count_text(at(a, "ranks")),
                    clock_text(at(a, "started")), clock_text(at(a, "ended")),
                    cat(count_text(at(a, "first_step")), " to ", count_text(at(a, "last_step"))), text(a, "end"),
                    text(a, "reason")});
  html += cat(
      "<details><summary>attempts</summary>",
      html_table(
          {{"attempt", true}, {"nodes", true}, {"ranks", true}, {"started"}, {"ended"}, {"steps"}, {"end"}, {"reason"}},
          rows),
      "</details>");
  return section("Where the time went", html);
}

std::string phases_section(const ordered_json& report, const std::string& chart) {
  const auto phases = at(report, "phases");
  if (!phases.is_object()) return {};
  std::string html = chart;
  std::vector<std::string> names(telemetry::kStepPhaseNames.begin(), telemetry::kStepPhaseNames.end());
  double longest = 0;
  for (const auto& node : at(phases, "nodes")) {
    double sum = 0;
    for (const auto& [name, ms] : phase_parts(at(node, "phases_ms"))) sum += ms;
    longest = std::max(longest, sum);
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& node : at(phases, "nodes"))
    rows.push_back(
        {text(node, "node"), count_text(at(node, "ranks")), bar(phase_parts(at(node, "phases_ms")), longest, "ms")});
  html +=
      cat("<h3>Each node, mean of its ranks (attempt ", count_text(at(phases, "attempt")), ")</h3>", colour_key(names));
  const std::string table = html_table({{"node"}, {"ranks", true}, {"a step"}}, rows);
  html += rows.size() <= 16 ? table : cat("<details><summary>", rows.size(), " nodes</summary>", table, "</details>");
  rows.clear();
  std::vector<Column> columns = {{"node"}};
  for (const auto& name : names) columns.push_back({name, true});
  for (const auto& node : at(phases, "nodes")) {
    std::vector<std::string> cells = {text(node, "node")};
    for (const auto& name : names) cells.push_back(milliseconds(at(at(node, "phases_ms"), name.c_str())));
    rows.push_back(cells);
  }
  html += cat("<details><summary>table</summary>", html_table(columns, rows), "</details>");
  return section("Where a step's time goes", html);
}

std::string ranks_section(const ordered_json& report) {
  const auto ranks = at(report, "ranks");
  if (!ranks.is_array() || ranks.empty()) return {};
  std::string html;
  for (const auto& straggler : at(report, "stragglers"))
    html += cat("<div class=\"notice bad\"><b>Straggler.</b> In attempt ", count_text(at(straggler, "attempt")), ", ",
                text(straggler, "evidence"), ".<br>What to do: ", text(straggler, "what_to_do"), ".</div>");
  if (at(report, "stragglers").empty()) html += ranks.size() > 1 ? "<p>No rank held the others up.</p>" : "";
  const auto e = at(report, "efficiency");
  if (e.is_object()) {
    html += html_table(
        {{"factor"}, {"value", true}, {"what it says"}},
        {{"parallel efficiency", percent_text(at(e, "parallel_efficiency")),
          "share of the ranks' time in their own work; the product of the four below"},
         {"load balance", percent_text(at(e, "load_balance")),
          "100 % when all ranks have equally much work over the whole attempt"},
         {"serialisation", percent_text(at(e, "serialisation")),
          "less than 100 % when ranks wait for one another though their work is equal in sum"},
         {"transfer", percent_text(at(e, "transfer")), "less than 100 % by the time in which gradients travel"},
         {"saving", percent_text(at(e, "saving")), "less than 100 % by the time that checkpoints keep the loop"},
         {"communication share", percent_text(at(e, "communication_share")),
          "waiting and transfer together, mean over the ranks"},
         {"waiting share", percent_text(at(e, "waiting_share")), "for the slowest rank of each step"},
         {"imbalance", percent_text(at(e, "imbalance")), "by how much the busiest rank exceeds the mean"}});
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& r : ranks) {
    const auto phases = at(r, "phases_ms");
    rows.push_back({count_text(at(r, "rank")), text(r, "node"), milliseconds(at(r, "step_ms")),
                    milliseconds(at(r, "work_ms_median")), milliseconds(at(r, "work_ms_p99")),
                    milliseconds(at(phases, "waiting")), milliseconds(at(phases, "transfer")),
                    percent_text(at(r, "slowest_share"), 0), seconds_text(at(r, "held_up_s")),
                    value_text(at(r, "cpu_cores"), 2, "cores"), bytes_text(at(r, "resident_peak_bytes"))});
  }
  const std::string table = html_table({{"rank", true},
                                        {"node"},
                                        {"step", true},
                                        {"work, median", true},
                                        {"work, 99th percentile", true},
                                        {"waiting", true},
                                        {"transfer", true},
                                        {"slowest in", true},
                                        {"held others up", true},
                                        {"CPU", true},
                                        {"memory, peak", true}},
                                       rows);
  html += rows.size() <= 16 ? cat("<h3>Ranks</h3>", table)
                            : cat("<details><summary>", rows.size(), " ranks</summary>", table, "</details>");
  return section("Ranks: balance and stragglers", html);
}

std::string machine_section(const ordered_json& report) {
  const auto work = at(report, "work"), memory = at(report, "memory"), cost = at(report, "cost");
  std::vector<std::vector<std::string>> rows;
  if (at(work, "flops").is_number()) {
    rows.push_back({"speed", cat(value_text(work["flops"].get<double>() / 1e9, 2, "GFLOP/s"), ", all ranks together; ",
                                 value_text(work["flops_per_rank"].get<double>() / 1e9, 2, "GFLOP/s per rank"))});
    if (at(work, "share_of_peak").is_number())
      rows.push_back({"share of the measured peak",
                      cat(percent_text(work["share_of_peak"]), " of ",
                          value_text(work["peak_flops_per_rank"].get<double>() / 1e9, 1, "GFLOP/s per rank"), " (",
                          text(work, "peak_source"), ")")});
  }
  if (at(memory, "resident_peak_bytes").is_number()) {
    rows.push_back({"memory of a rank, peak",
                    cat(bytes_text(memory["resident_peak_bytes"]), " (rank ", count_text(at(memory, "rank")), ")")});
    if (at(memory, "least_available_bytes").is_number())
      rows.push_back({"memory left on a node, least",
                      cat(bytes_text(memory["least_available_bytes"]), " (", text(memory, "least_available_on"), ")")});
  }
  if (const auto planned = at(report, "plan"); at(planned, "step_s").is_number()) {
    // The median step of plan's own work against the mean step of this run: evaluations and checkpoints are in neither.
    const auto steps = at(at(report, "totals"), "steps"), seconds = at(at(report, "totals"), "step_seconds");
    const auto beside = [](double seen, double wanted) {
      return cat(seen >= wanted ? "+" : "", fixed(100 * (seen / wanted - 1), 1), " %");
    };
    if (steps.is_number() && steps.get<double>() > 0 && seconds.is_number()) {
      const double seen = seconds.get<double>() / steps.get<double>(), wanted = planned["step_s"];
      rows.push_back(
          {"time of a step, against plan",
           cat(value_text(seen, 3, "s"), " against ", value_text(wanted, 3, "s"), " (", beside(seen, wanted), ")")});
    }
    if (at(memory, "resident_peak_bytes").is_number()) {
      const double seen = memory["resident_peak_bytes"], wanted = planned["memory_peak_bytes"];
      rows.push_back({"memory of a rank, against plan",
                      cat(bytes_text(memory["resident_peak_bytes"]), " against ",
                          bytes_text(planned["memory_peak_bytes"]), " (", beside(seen, wanted), ")")});
    }
  }
  rows.push_back({"node hours", hours_text(at(cost, "node_hours"))});
  if (at(cost, "gpu_kwh_measured").is_number())
    rows.push_back({"energy of the GPUs, measured", value_text(cost["gpu_kwh_measured"], 3, "kWh")});
  if (at(cost, "kwh_by_site").is_number())
    rows.push_back({"energy of the nodes", cat(value_text(cost["kwh_by_site"], 4, "kWh"), " at ",
                                               value_text(cost["watts_per_node"], 0, "W per node"))});
  if (at(cost, "money").is_number())
    rows.push_back(
        {"cost", cat(value_text(cost["money"], 2, text_of(cost, "currency")), " at ",
                     value_text(cost["price_per_node_hour"], 4, text_of(cost, "currency") + " per node hour"))});
  if (at(cost, "carbon_g").is_number())
    rows.push_back({"carbon", cat(value_text(cost["carbon_g"], 1, "g CO2e"), " at ",
                                  value_text(cost["carbon_g_per_kwh"], 0, "g/kWh"))});
  std::string html = html_table({{"figure"}, {"value"}}, rows);
  std::vector<std::string> left_out;
  for (const auto* part : {&work, &memory})
    if (!text_of(*part, "left_out").empty()) left_out.push_back(text(*part, "left_out"));
  for (const auto& reason : at(cost, "left_out")) left_out.push_back(escaped(reason.get<std::string>()));
  if (!left_out.empty()) html += cat("<p class=soft>Left out: ", join(left_out, "; "), ".</p>");
  if (!text_of(cost, "source").empty()) html += cat("<p class=soft>Figures by: ", text(cost, "source"), ".</p>");
  return section("Speed, memory, cost", html);
}

std::string identity_section(const ordered_json& report) {
  const auto run = at(report, "run");
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, name] : {std::pair{"version", "peft-studio"},
                                  {"created", "created"},
                                  {"recipe_file", "recipe file"},
                                  {"model_path", "model"},
                                  {"recipe_digest", "digest of the recipe"},
                                  {"model_digest", "digest of the model"},
                                  {"data_digest", "digest of the data"}})
    if (!text_of(run, key).empty()) rows.push_back({name, cat("<code>", text(run, key), "</code>")});
  if (!text_of(at(report, "outcome"), "adapter_digest").empty())
    rows.push_back({"digest of the adapter", cat("<code>", text(at(report, "outcome"), "adapter_digest"), "</code>")});
  const auto resolved = at(report, "resolved");
  if (resolved.is_object())
    for (const auto& [key, choice] : resolved.items())
      rows.push_back(
          {escaped(key), cat(text(choice, "value"), " <span class=soft>(", text(choice, "reason"), ")</span>")});
  std::string html = html_table({{"what"}, {"value"}}, rows);
  if (!text_of(run, "problem").empty()) html += cat("<div class=notice>", text(run, "problem"), "</div>");
  if (!text_of(run, "recipe").empty())
    html += cat("<details><summary>effective recipe</summary><pre>", text(run, "recipe"), "</pre></details>");
  return section("Recipe, versions, digests", html);
}

std::string coverage_section(const ordered_json& report) {
  const auto coverage = at(report, "coverage");
  std::string html = cat("<p>", text(coverage, "text"), ".</p>");
  for (const auto& gap : at(coverage, "gaps"))
    html += cat("<div class=notice>", escaped(gap.get<std::string>()), "</div>");
  std::vector<std::vector<std::string>> rows;
  for (const auto& n : at(coverage, "nodes")) {
    const auto uncertainty = at(n, "clock_uncertainty_s");
    rows.push_back(
        {count_text(at(n, "attempt")), text(n, "node"),
         at(n, "format").is_number() ? count_text(at(n, "format")) : "no file", count_text(at(n, "steps")),
         text(n, "cpu"), count_text(at(n, "cores")), percent_text(at(n, "cpu_busy")),
         bytes_text(at(n, "least_available_bytes")),
         at(n, "received_bytes_per_s").is_number() ? bytes_text(at(n, "received_bytes_per_s")) + "/s" : "not known",
         uncertainty.is_number() ? cat(fixed(1e3 * at(n, "clock_offset_s").get<double>(), 3), " &plusmn; ",
                                       fixed(1e3 * uncertainty.get<double>(), 3), " ms")
                                 : "not known"});
  }
  const std::string table = html_table({{"attempt", true},
                                        {"node"},
                                        {"format", true},
                                        {"steps", true},
                                        {"CPU"},
                                        {"cores", true},
                                        {"CPU busy", true},
                                        {"memory left, least", true},
                                        {"received", true},
                                        {"clock against rank 0", true}},
                                       rows);
  html += cat("<details><summary>node files</summary>", table, "</details>");
  return section("Coverage", html);
}

}  // namespace pst::report
