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

ordered_json at(const ordered_json& object, const char* key) {
  return object.is_object() ? object.value(key, ordered_json()) : ordered_json();
}

Html figure(const Html& value, const Html& name) {
  return markup("<div class=figure><b>", value, "</b><span>", name, "</span></div>");
}

std::string clock_text(const ordered_json& unix_s) {
  if (!unix_s.is_number()) return "not known";
  std::string iso = iso_time(unix_s.get<double>());
  iso[10] = ' ';
  return iso.substr(0, 19) + " UTC";
}

Html section(const Html& title, const Html& body) {
  return body.empty() ? body : markup("<section><h2>", title, "</h2>\n", body, "</section>\n");
}

/// A bar of shares with the name and value of each part, which also stands in the key below it.
Html bar(const std::vector<std::pair<std::string, double>>& parts, double whole, const Html& unit) {
  Html html = "<div class=bar>";
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (whole > 0 && parts[i].second > 0)
      html += markup("<i class=c", i % 8, " style=\"width:", fixed(100 * parts[i].second / whole, 3), "%\" title=\"",
                     parts[i].first, " ", fixed(parts[i].second, 3), " ", unit, "\"></i>");
  return markup(html, "</div>");
}

Html colour_key(const std::vector<std::string>& names) {
  Html html = "<div class=key>";
  for (std::size_t i = 0; i < names.size(); ++i)
    html += markup("<span><i class=c", i % 8, "></i>", names[i], "</span>");
  return markup(html, "</div>\n");
}

std::vector<std::pair<std::string, double>> phase_parts(const ordered_json& phases) {
  std::vector<std::pair<std::string, double>> parts;
  for (const char* name : telemetry::kStepPhaseNames) {
    const auto value = at(phases, name);
    parts.emplace_back(name, value.is_number() ? value.get<double>() : 0.0);
  }
  return parts;
}

/// For a column whose title has the unit.
std::string in_milliseconds(const ordered_json& value) {
  return value.is_number() ? fixed(value.get<double>(), 2) : "not known";
}

}  // namespace

Html heading_section(const ordered_json& report) {
  const auto outcome = at(report, "outcome"), totals = at(report, "totals"), run = at(report, "run"),
             time = at(report, "time");
  const std::string state = text_of(outcome, "state");
  Html html = markup("<p class=soft>PEFT Studio, report of a run</p><h1>", text_of(run, "folder"),
                     " <span class=\"state ", state, "\">", state, "</span></h1>\n");
  if (!text_of(outcome, "reason").empty()) html += markup("<p>", text_of(outcome, "reason"), "</p>");
  if (!text_of(outcome, "remedy").empty()) html += markup("<p>What to do: ", text_of(outcome, "remedy"), "</p>");
  html += "<div class=figures>";
  const auto planned = at(totals, "steps_planned");
  html += figure(cat(count_text(at(totals, "steps")), planned.is_number() ? cat(" of ", count_text(planned)) : ""),
                 "optimizer steps");
  html += figure(count_text(at(totals, "tokens")), "tokens trained on");
  html += figure(at(totals, "tokens_per_s").is_number()
                     ? markup(grouped(std::llround(at(totals, "tokens_per_s").get<double>())), " tokens/s")
                     : "not known",
                 "in steps, all ranks together");
  html += figure(seconds_text(at(time, "wall_s")), "from first sign to last");
  html += figure(hours_text(at(at(report, "cost"), "node_hours")), "node hours");
  if (at(totals, "loss_last").is_number())
    html += figure(markup(fixed(at(totals, "loss_first").is_number() ? at(totals, "loss_first").get<double>() : 0, 3),
                          " &rarr; ", fixed(at(totals, "loss_last").get<double>(), 3), " nat"),
                   "training loss, first and last step");
  if (at(outcome, "validation_loss_after").is_number() && at(outcome, "validation_loss_before").is_number())
    html += figure(markup(fixed(at(outcome, "validation_loss_before").get<double>(), 3), " &rarr; ",
                          fixed(at(outcome, "validation_loss_after").get<double>(), 3), " nat"),
                   "validation loss, before and after");
  if (at(outcome, "adapter_step").is_number())
    html +=
        figure(cat("step ", count_text(at(outcome, "adapter_step"))), "whose values the adapter has: the best ones");
  html += figure(at(report, "coverage").value("text", ""), "covered by this report");
  html += "</div>\n";
  const auto gaps = at(at(report, "coverage"), "gaps");
  if (gaps.is_array() && !gaps.empty()) {
    html += "<div class=notice><b>Not everything is covered.</b>";
    for (std::size_t i = 0; i < std::min<std::size_t>(5, gaps.size()); ++i)
      html += markup("<br>", gaps[i].get<std::string>());
    if (gaps.size() > 5) html += markup("<br>and ", gaps.size() - 5, " more, under Coverage");
    html += "</div>\n";
  }
  return html;
}

Html losses_section(const ordered_json& report) {
  Html html;
  std::vector<std::vector<Html>> rows;
  for (const auto& f : at(report, "faults")) {
    std::string seen;
    for (const auto& note : at(f, "noticed")) {
      if (!seen.empty()) seen += "; ";
      seen += text_of(note, "event");
      for (const char* key : {"hosts", "nodes"}) {
        if (!note.contains(key)) continue;
        std::vector<std::string> names;
        for (const auto& name : note[key]) names.push_back(name.is_string() ? name.get<std::string>() : name.dump());
        seen += ": " + join(names, ", ");
      }
      if (note.contains("noticed_after_s")) seen += cat(", noticed after ", seconds_text(note["noticed_after_s"]));
    }
    rows.push_back({clock_text(at(f, "t")), count_text(at(f, "attempt")), text_of(f, "kind"),
                    markup(text_of(f, "cause"), seen.empty() ? "" : markup("<br><span class=soft>", seen, "</span>")),
                    count_text(at(f, "step")),
                    cat(count_text(at(f, "steps_redone")), " (", seconds_text(at(f, "redone_s")), ")"),
                    seconds_text(at(f, "standstill_s")), text_of(f, "what_to_do")});
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
    rows.push_back({clock_text(at(w, "t")), text_of(w, "kind"),
                    at(w, "step").is_number() ? count_text(at(w, "step")) : "", text_of(w, "reason"),
                    text_of(w, "what_to_do")});
  if (!rows.empty())
    html += markup("<h3>Also noted</h3>",
                   html_table({{"when"}, {"event"}, {"step", true}, {"reason"}, {"what to do"}}, rows));
  if (html.empty()) html = "<p>Nothing went wrong: every attempt ended by itself.</p>";
  return section("What was lost, to what, and what to do", html);
}

Html time_section(const ordered_json& report) {
  const auto time = at(report, "time");
  if (!time.is_object()) return {};
  const std::vector<std::pair<const char*, const char*>> kinds = {
      {"stepping_s", "steps that counted"},       {"evaluating_s", "evaluation"},       {"starting_s", "starting"},
      {"redone_s", "steps done again"},           {"between_steps_s", "between steps"}, {"ending_s", "ending"},
      {"between_attempts_s", "between attempts"}, {"queued_s", "waiting in the queue"}};
  const double wall = at(time, "wall_s").is_number() ? at(time, "wall_s").get<double>() : 0;
  std::vector<std::pair<std::string, double>> parts;
  std::vector<std::string> names;
  std::vector<std::vector<Html>> rows;
  for (const auto& [key, name] : kinds) {
    const auto value = at(time, key);
    parts.emplace_back(name, value.is_number() ? value.get<double>() : 0);
    names.emplace_back(name);
    rows.push_back({std::string(name), seconds_text(value),
                    value.is_number() && wall > 0 ? percent_text(value.get<double>() / wall) : "not known"});
  }
  Html html = markup(bar(parts, wall, "s"), colour_key(names));
  html += markup("<p>", percent_text(at(time, "useful_share")),
                 " of the time after the queue went into steps that counted.</p>");
  html += markup("<details open><summary>table</summary>",
                 html_table({{"kind"}, {"time", true}, {"share of the wall time", true}}, rows), "</details>");
  rows.clear();
  for (const auto& a : at(report, "attempts"))
    rows.push_back({count_text(at(a, "attempt")), count_text(at(a, "nodes")), count_text(at(a, "ranks")),
                    clock_text(at(a, "started")), clock_text(at(a, "ended")),
                    cat(count_text(at(a, "first_step")), " to ", count_text(at(a, "last_step"))), text_of(a, "end"),
                    text_of(a, "reason")});
  html += markup(
      "<details><summary>attempts</summary>",
      html_table(
          {{"attempt", true}, {"nodes", true}, {"ranks", true}, {"started"}, {"ended"}, {"steps"}, {"end"}, {"reason"}},
          rows),
      "</details>");
  return section("Where the time went", html);
}

Html phases_section(const ordered_json& report, const Html& chart) {
  const auto phases = at(report, "phases");
  if (!phases.is_object()) return {};
  Html html = chart;
  std::vector<std::string> names(telemetry::kStepPhaseNames.begin(), telemetry::kStepPhaseNames.end());
  double longest = 0;
  for (const auto& node : at(phases, "nodes")) {
    double sum = 0;
    for (const auto& [name, ms] : phase_parts(at(node, "phases_ms"))) sum += ms;
    longest = std::max(longest, sum);
  }
  std::vector<std::vector<Html>> rows;
  for (const auto& node : at(phases, "nodes"))
    rows.push_back(
        {text_of(node, "node"), count_text(at(node, "ranks")), bar(phase_parts(at(node, "phases_ms")), longest, "ms")});
  html += markup("<h3>Each node, mean of its ranks (attempt ", count_text(at(phases, "attempt")), ")</h3>",
                 colour_key(names));
  const Html table = html_table({{"node"}, {"ranks", true}, {"a step"}}, rows);
  html +=
      rows.size() <= 16 ? table : markup("<details><summary>", rows.size(), " nodes</summary>", table, "</details>");
  rows.clear();
  std::vector<Column> columns = {{"node"}};
  for (const auto& name : names) columns.push_back({name + " (ms)", true});
  for (const auto& node : at(phases, "nodes")) {
    std::vector<Html> cells = {text_of(node, "node")};
    for (const auto& name : names) cells.push_back(in_milliseconds(at(at(node, "phases_ms"), name.c_str())));
    rows.push_back(cells);
  }
  html += markup("<details><summary>table</summary>", html_table(columns, rows), "</details>");
  return section("Where a step's time goes", html);
}

Html ranks_section(const ordered_json& report) {
  const auto ranks = at(report, "ranks");
  if (!ranks.is_array() || ranks.empty()) return {};
  Html html;
  for (const auto& straggler : at(report, "stragglers"))
    html +=
        markup("<div class=\"notice bad\"><b>Straggler.</b> In attempt ", count_text(at(straggler, "attempt")), ", ",
               text_of(straggler, "evidence"), ".<br>What to do: ", text_of(straggler, "what_to_do"), ".</div>");
  if (at(report, "stragglers").empty() && ranks.size() > 1) html += "<p>No rank held the others up.</p>";
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
  std::vector<std::vector<Html>> rows;
  for (const auto& r : ranks) {
    const auto phases = at(r, "phases_ms");
    rows.push_back({count_text(at(r, "rank")), text_of(r, "node"), in_milliseconds(at(r, "step_ms")),
                    in_milliseconds(at(r, "work_ms_median")), in_milliseconds(at(r, "work_ms_p99")),
                    in_milliseconds(at(phases, "waiting")), in_milliseconds(at(phases, "transfer")),
                    percent_text(at(r, "slowest_share"), 0), seconds_text(at(r, "held_up_s")),
                    at(r, "cpu_cores").is_number() ? fixed(at(r, "cpu_cores").get<double>(), 2) : "not known",
                    bytes_text(at(r, "resident_peak_bytes"))});
  }
  const Html table = html_table({{"rank", true},
                                 {"node"},
                                 {"step (ms)", true},
                                 {"work, median (ms)", true},
                                 {"work, 99th percentile (ms)", true},
                                 {"waiting (ms)", true},
                                 {"transfer (ms)", true},
                                 {"slowest in", true},
                                 {"held others up", true},
                                 {"CPU (cores)", true},
                                 {"memory, peak", true}},
                                rows);
  html += rows.size() <= 16 ? markup("<h3>Ranks</h3>", table)
                            : markup("<details><summary>", rows.size(), " ranks</summary>", table, "</details>");
  return section("Ranks: balance and stragglers", html);
}

Html machine_section(const ordered_json& report) {
  const auto work = at(report, "work"), memory = at(report, "memory"), cost = at(report, "cost");
  std::vector<std::vector<Html>> rows;
  if (at(work, "flops").is_number()) {
    rows.push_back({"speed", cat(flops_text(work["flops"]), ", all ranks together; ",
                                 flops_text(work["flops_per_rank"]), " per rank")});
    if (at(work, "share_of_peak").is_number())
      rows.push_back({"share of the measured peak",
                      cat(percent_text(work["share_of_peak"]), " of ", flops_text(work["peak_flops_per_rank"]),
                          " per rank (", text_of(work, "peak_source"), ")")});
  }
  if (at(memory, "resident_peak_bytes").is_number()) {
    rows.push_back({"memory of a rank, peak",
                    cat(bytes_text(memory["resident_peak_bytes"]), " (rank ", count_text(at(memory, "rank")), ")")});
    if (at(memory, "least_available_bytes").is_number())
      rows.push_back({"memory left on a node, least", cat(bytes_text(memory["least_available_bytes"]), " (",
                                                          text_of(memory, "least_available_on"), ")")});
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
  Html html = html_table({{"figure"}, {"value"}}, rows);
  std::vector<std::string> left_out;
  for (const auto* part : {&work, &memory})
    if (!text_of(*part, "left_out").empty()) left_out.push_back(text_of(*part, "left_out"));
  for (const auto& reason : at(cost, "left_out")) left_out.push_back(reason.get<std::string>());
  if (!left_out.empty()) html += markup("<p class=soft>Left out: ", join(left_out, "; "), ".</p>");
  if (!text_of(cost, "source").empty()) html += markup("<p class=soft>Figures by: ", text_of(cost, "source"), ".</p>");
  return section("Speed, memory, cost", html);
}

Html identity_section(const ordered_json& report) {
  const auto run = at(report, "run");
  std::vector<std::vector<Html>> rows;
  for (const auto& [key, name] : {std::pair{"version", "peft-studio"},
                                  {"created", "created"},
                                  {"recipe_file", "recipe file"},
                                  {"model_path", "model"},
                                  {"recipe_digest", "digest of the recipe"},
                                  {"model_digest", "digest of the model"},
                                  {"data_digest", "digest of the data"}})
    if (!text_of(run, key).empty()) rows.push_back({std::string(name), markup("<code>", text_of(run, key), "</code>")});
  if (!text_of(at(report, "outcome"), "adapter_digest").empty())
    rows.push_back(
        {"digest of the adapter", markup("<code>", text_of(at(report, "outcome"), "adapter_digest"), "</code>")});
  const auto resolved = at(report, "resolved");
  if (resolved.is_object())
    for (const auto& [key, choice] : resolved.items())
      rows.push_back(
          {key, markup(text_of(choice, "value"), " <span class=soft>(", text_of(choice, "reason"), ")</span>")});
  Html html = html_table({{"what"}, {"value"}}, rows);
  if (!text_of(run, "problem").empty()) html += markup("<div class=notice>", text_of(run, "problem"), "</div>");
  if (!text_of(run, "recipe").empty())
    html += markup("<details><summary>effective recipe</summary><pre>", text_of(run, "recipe"), "</pre></details>");
  return section("Recipe, versions, digests", html);
}

Html coverage_section(const ordered_json& report) {
  const auto coverage = at(report, "coverage");
  Html html = markup("<p>", text_of(coverage, "text"), ".</p>");
  for (const auto& gap : at(coverage, "gaps")) html += markup("<div class=notice>", gap.get<std::string>(), "</div>");
  std::vector<std::vector<Html>> rows;
  for (const auto& n : at(coverage, "nodes")) {
    const auto uncertainty = at(n, "clock_uncertainty_s");
    rows.push_back(
        {count_text(at(n, "attempt")), text_of(n, "node"),
         at(n, "format").is_number() ? count_text(at(n, "format")) : "no file", count_text(at(n, "steps")),
         text_of(n, "cpu"), count_text(at(n, "cores")), percent_text(at(n, "cpu_busy")),
         bytes_text(at(n, "least_available_bytes")),
         at(n, "received_bytes_per_s").is_number() ? bytes_text(at(n, "received_bytes_per_s")) + "/s" : "not known",
         uncertainty.is_number() ? markup(fixed(1e3 * at(n, "clock_offset_s").get<double>(), 3), " &plusmn; ",
                                          fixed(1e3 * uncertainty.get<double>(), 3), " ms")
                                 : "not known"});
  }
  const Html table = html_table({{"attempt", true},
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
  html += markup("<details><summary>node files</summary>", table, "</details>");
  return section("Coverage", html);
}

}  // namespace pst::report
