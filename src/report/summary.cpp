// SPDX-License-Identifier: Apache-2.0
#include "report/summary.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/clock.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "json/object.hpp"
#include "rundir/run_state.hpp"

namespace pst::report {

using nlohmann::ordered_json;

namespace {

/// What tells a part of the prepared data from another's: null when the store is gone or cannot be read.
ordered_json digest_of_split(const fs::path& store, const std::string& split) {
  constexpr std::uint64_t kMost = 16u << 20;
  std::error_code ignored;
  if (!fs::exists(store / "meta.json", ignored)) return nullptr;
  try {
    const json::Document document(store / "meta.json", kMost);
    const json::Object files = document.object().inner("files");
    std::string digests;
    for (const char* part : {".ids", ".labels"}) digests += files.inner(split + part).at("digest").text();
    return digest(digests);
  } catch (const Error&) {
    return nullptr;
  }
}

ordered_json identity_of(const rundir::RunDir& run) {
  ordered_json identity = {{"folder", run.root().filename().string()}};
  try {
    const auto record = run.read_record();
    identity.update({{"id", record.id},
                     {"name", record.name},
                     {"version", record.version},
                     {"created", record.created},
                     {"recipe_file", record.recipe_file},
                     {"recipe_digest", record.recipe_digest},
                     {"model_digest", record.model_digest},
                     {"data_digest", record.data_digest},
                     {"training_digest", digest_of_split(record.store, "train")},
                     {"validation_digest", digest_of_split(record.store, "validation")},
                     {"model_path", record.model_path.string()}});
  } catch (const Error& error) {
    identity["problem"] = error.message();
  }
  try {
    identity["recipe"] = read_file(run.recipe(), 1 << 20);
  } catch (const Error&) {  // a damaged run: the rest is still worth reading
  }
  return identity;
}

/// What plan.json promised; null where no machine had been probed. A damaged one is no reason for no report.
ordered_json plan_of(const rundir::RunDir& run) {
  std::error_code status;
  const fs::path file = run.root() / "plan.json";
  if (!fs::exists(file, status)) return nullptr;
  try {
    const json::Document document(file, 4u << 20);
    const json::Object plan = document.object(), chosen = plan.inner("prediction"), choice = chosen.inner("choice");
    const auto amount = [](const json::Node& node) -> const json::Value& {
      (void)node.real(0);  // or it is refused
      return node.value();
    };
    return {{"machine", plan.at("machine").text()},
            {"ranks", choice.at("nodes").whole(1, 1 << 20) * choice.at("ranks_per_node").whole(1, 1 << 20)},
            {"memory_peak_bytes", amount(chosen.inner("memory_bytes").at("peak"))},
            {"step_s", amount(chosen.inner("step_s").at("total"))},
            {"tokens_per_s", amount(chosen.at("tokens_per_s"))}};
  } catch (const Error& error) {
    return {{"problem", cat(file.string(), " cannot be read: ", error.message())}};
  }
}

ordered_json totals_of(const CountedSteps& steps, const std::vector<Attempt>& attempts) {
  std::int64_t tokens = 0, labelled = 0, rows = 0, skipped = 0, all_tokens = 0;
  for (const auto& at : steps.counted) {
    tokens += at.step->tokens;
    labelled += at.step->labelled_tokens;
    rows += at.step->rows;
    skipped += at.step->skipped;
  }
  all_tokens = tokens;
  for (const auto& at : steps.redone) all_tokens += at.step->tokens;
  ordered_json totals = {
      {"steps", steps.counted.size()},
      {"steps_planned", ordered_json()},
      {"steps_redone", steps.redone.size()},
      {"steps_skipped", skipped},
      {"rows", rows},
      {"tokens", tokens},
      {"labelled_tokens", labelled},
      {"tokens_with_redone", all_tokens},
      {"step_seconds", steps.counted_s},
      {"tokens_per_s", steps.counted_s > 0 ? finite(static_cast<double>(tokens) / steps.counted_s) : ordered_json()}};
  for (const auto& attempt : attempts)
    if (attempt.total_steps > 0) totals["steps_planned"] = attempt.total_steps;
  if (!steps.counted.empty()) {
    const Step &first = *steps.counted.front().step, &last = *steps.counted.back().step;
    totals["loss_first"] = finite(first.loss);
    totals["loss_last"] = finite(last.loss);
    if (steps.counted.size() != static_cast<std::size_t>(last.step))
      totals["steps_missing"] = last.step - static_cast<std::int64_t>(steps.counted.size());
  }
  return totals;
}

ordered_json evaluations_of(const std::vector<Attempt>& attempts) {
  std::map<std::int64_t, Evaluation> by_step;  // the last attempt's word counts
  for (const auto& attempt : attempts)
    for (const auto& evaluation : attempt.evaluations) by_step[evaluation.step] = evaluation;
  ordered_json all = ordered_json::array();
  for (const auto& [step, e] : by_step)
    all.push_back({{"step", step}, {"t", e.ended}, {"loss", finite(e.loss)}, {"seconds", e.seconds}});
  return all;
}

}  // namespace

ordered_json finite(double value) { return std::isfinite(value) ? ordered_json(value) : ordered_json(); }

CountedSteps count_steps(const std::vector<Attempt>& attempts) {
  CountedSteps steps;
  // From the newest attempt backwards: what it has seen, no older one can have counted.
  std::int64_t from = std::numeric_limits<std::int64_t>::max();
  for (auto attempt = attempts.rbegin(); attempt != attempts.rend(); ++attempt) {
    for (auto step = attempt->steps.rbegin(); step != attempt->steps.rend(); ++step) {
      auto& into = step->step < from ? steps.counted : steps.redone;
      (step->step < from ? steps.counted_s : steps.redone_s) += 1e-6 * static_cast<double>(step->step_us);
      into.push_back({&*attempt, &*step});
    }
    if (!attempt->steps.empty()) from = std::min(from, attempt->steps.front().step);
  }
  std::reverse(steps.counted.begin(), steps.counted.end());
  std::reverse(steps.redone.begin(), steps.redone.end());
  return steps;
}

ordered_json outcome_of(const rundir::RunDir& run) {
  ordered_json outcome;
  try {
    const auto state = rundir::read_state(run);
    outcome = {{"state", rundir::name_of(state.state)}, {"reason", state.reason}, {"remedy", state.remedy}};
    if (state.state == rundir::State::completed) {
      const auto completed = run.read_completed().value();
      outcome["train_loss"] = finite(completed.train_loss);
      outcome["validation_loss_before"] = or_null(completed.validation_loss_before);
      outcome["validation_loss_after"] = or_null(completed.validation_loss_after);
      outcome["adapter_step"] = completed.adapter_step ? ordered_json(*completed.adapter_step) : ordered_json();
      outcome["adapter_digest"] = completed.adapter_digest;
    }
  } catch (const Error& error) {
    outcome = {{"state", "unknown"}, {"reason", error.message()}, {"remedy", error.remedy()}};
  }
  return outcome;
}

ordered_json coverage_of(const std::vector<Attempt>& attempts) {
  std::int64_t expected = 0, found = 0, with_metrics = 0, unreadable = 0, lost = 0;
  ordered_json gaps = ordered_json::array(), nodes = ordered_json::array();
  for (const auto& attempt : attempts) {
    bool any = false;
    for (const auto& node : attempt.nodes) {
      ++expected;
      found += node.steps > 0;
      any = any || node.steps > 0;
      unreadable += node.unreadable_lines;
      lost += node.lost_lines;
      const std::string where = cat("attempt ", attempt.number, ", node ", node.host);
      if (node.format < 0)
        gaps.push_back(cat(where, ": ", node.problem.empty() ? "nothing in its file" : node.problem));
      else if (!node.problem.empty())
        gaps.push_back(cat(where, ": ", node.problem));
      if (node.format == 0)
        gaps.push_back(cat(
            where,
            ": format 0, which has the times of the node's first rank only, and does not tell waiting from transfer"));
      if (node.torn_end)
        gaps.push_back(cat(where, ": its last line is torn (the writer was killed, or its disk was full)"));
      if (node.unreadable_lines > 0) gaps.push_back(cat(where, ": ", node.unreadable_lines, " lines cannot be read"));
      if (node.lost_lines > 0)
        gaps.push_back(cat(where, ": ", node.lost_lines, " lines were lost, because its disk was full or too slow"));
      nodes.push_back({{"attempt", attempt.number},
                       {"node", node.host},
                       {"format", node.format < 0 ? ordered_json() : ordered_json(node.format)},
                       {"steps", node.steps},
                       {"cpu", node.cpu},
                       {"cores", node.cores},
                       {"memory_bytes", node.memory_bytes},
                       {"gpus", node.gpus},
                       {"clock_offset_s", node.clock_offset_s},
                       {"clock_uncertainty_s", node.clock_uncertainty_s},
                       {"cpu_busy", or_null(node.cpu_busy)},
                       {"least_available_bytes", or_null(node.least_available_bytes)},
                       {"received_bytes_per_s", or_null(node.received_bytes_per_s)},
                       {"sent_bytes_per_s", or_null(node.sent_bytes_per_s)},
                       {"gpu_busy_percent", or_null(node.gpu_busy_percent)},
                       {"gpu_energy_j", or_null(node.gpu_energy_j)},
                       {"gpu_throttled_samples", or_null(node.gpu_throttled_samples)},
                       {"recorder_cpu_s", or_null(node.recorder_cpu_s)}});
    }
    with_metrics += any;
    std::size_t told = 0;
    for (const auto& member : attempt.members) told += member.steps > 0;
    if (any && attempt.ranks > 0 && told < static_cast<std::size_t>(attempt.ranks))
      gaps.push_back(cat("attempt ", attempt.number, ": times of ", told, " of ", attempt.ranks, " ranks"));
    if (!any) gaps.push_back(cat("attempt ", attempt.number, ": no step was recorded"));
  }
  return {{"text", cat(found, " of ", expected, " node files, ", with_metrics, " of ", attempts.size(), " attempts")},
          {"node_files", found},
          {"node_files_expected", expected},
          {"attempts", attempts.size()},
          {"attempts_with_steps", with_metrics},
          {"unreadable_lines", unreadable},
          {"lost_lines", lost},
          {"gaps", gaps},
          {"nodes", nodes}};
}

ordered_json summarise(const rundir::RunDir& run, const std::vector<Attempt>& attempts, const Figures& figures) {
  constexpr std::size_t kPoints = 800;  // about as many as a wide screen has columns for a chart
  const CountedSteps steps = count_steps(attempts);
  ordered_json report = {{"format", kReportFormat},
                         {"made", iso_time(unix_seconds())},
                         {"run", identity_of(run)},
                         {"outcome", outcome_of(run)},
                         {"coverage", coverage_of(attempts)},
                         {"totals", totals_of(steps, attempts)},
                         {"evaluations", evaluations_of(attempts)},
                         {"plan", plan_of(run)}};
  if (!attempts.empty()) report["resolved"] = attempts.back().resolved;
  add_account(report, run, attempts, steps, figures);
  add_efficiency(report, attempts, steps, figures);
  report["curves"] = curves_of(steps, attempts, kPoints);
  return report;
}

}  // namespace pst::report
