// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/strings.hpp"
#include "plan/plan_report.hpp"

namespace pst::plan {
namespace {

std::string bytes_text(double bytes) { return human_bytes(static_cast<std::uint64_t>(std::max(0.0, bytes))); }

std::string seconds_text(double s) {
  if (s < 999.5e-6) return cat(fixed(1e6 * s, 0), " us");  // not "1000 us"
  if (s < 999.95e-3) return cat(fixed(1e3 * s, 1), " ms");
  return s < 59.995 ? cat(fixed(s, 2), " s") : human_seconds(s);
}

/// Rows of cells, each column as wide as its widest; all but the first column to the right when `numbers`.
std::string table_text(const std::vector<std::vector<std::string>>& rows, const char* indent = "  ") {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line = indent;
    for (std::size_t i = 0; i < row.size(); ++i) line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string memory_text(const Prediction& p) {
  const Memory& m = p.memory;
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, bytes] :
       std::initializer_list<std::pair<const char*, double>>{{"libraries", m.libraries},
                                                             {"kernels made for sizes", m.kernels},
                                                             {"weights", m.weights},
                                                             {"adapters", m.adapters},
                                                             {"gradients", m.gradients},
                                                             {"optimizer", m.optimizer},
                                                             {"activations", m.activations},
                                                             {"backward's workspace", m.workspace},
                                                             {"logits and head", m.head},
                                                             {"communication", m.communication},
                                                             {"checkpoint snapshot", m.checkpoint},
                                                             {"prepared data", m.data},
                                                             {"together, in training", m.training()},
                                                             {"while loading", m.loading}})
    rows.push_back({name, bytes_text(bytes)});
  std::string verdict = p.memory_limit == 0 ? cat("peak ", bytes_text(m.peak()), "; the node's memory is not known")
                                            : cat("peak ", bytes_text(m.peak()), " of ", bytes_text(p.memory_limit),
                                                  ": ", p.fits ? "fits" : "DOES NOT FIT");
  return cat("memory of a rank: ", verdict, "\n", table_text(rows));
}

std::string time_text(const Prediction& p) {
  const StepTime& t = p.step;
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, seconds] :
       std::initializer_list<std::pair<const char*, double>>{{"linear layers, forward", t.forward},
                                                             {"linear layers, backward", t.backward},
                                                             {"recomputed", t.recompute},
                                                             {"attention", t.attention},
                                                             {"norms, activations, sums", t.elementwise},
                                                             {"head and loss", t.head},
                                                             {"summing gradients", t.gradient_sum},
                                                             {"optimizer", t.optimizer},
                                                             {"kernels made for new sizes", t.kernels},
                                                             {"all-reduce", t.communication},
                                                             {"waiting for other ranks", t.waiting}})
    if (seconds > 0) rows.push_back({name, seconds_text(seconds), cat(fixed(100 * seconds / t.total(), 1), " %")});
  return cat("time of a step: ", seconds_text(t.total()), " (", grouped(static_cast<std::int64_t>(p.tokens_per_s)),
             " tokens/s)\n", table_text(rows));
}

std::string run_text(const Report& report) {
  const Prediction& p = report.chosen;
  const Work& work = report.in.work;
  std::vector<std::vector<std::string>> rows = {
      {"start", seconds_text(p.start_s)},
      {"training", seconds_text(p.step.total() * static_cast<double>(work.steps)), cat(grouped(work.steps), " steps")},
      {"evaluation", seconds_text(p.evaluation_s), cat(work.evaluations, " times")},
      {"saving", seconds_text(p.checkpoint_s),
       p.saving.interval_s > 0 ? cat("every ", seconds_text(p.saving.interval_s), "; ", p.saving.reason)
                               : p.saving.reason},
      {"failures, expected", seconds_text(p.expected_s - p.total_s),
       cat(fixed(100 * p.saving.lost_share, 2), " % of the time, a failure every ",
           human_seconds(p.saving.job_mtbf_s))},
      {"together", seconds_text(p.expected_s), cat(fixed(p.node_hours, 2), " node hours")}};
  if (p.kilowatt_hours) rows.push_back({"energy", cat(fixed(*p.kilowatt_hours, 2), " kWh")});
  if (p.money) rows.push_back({"cost", cat(fixed(*p.money, 2), " ", report.in.site.currency)});
  if (p.jobs)
    rows.push_back({"jobs",
                    *p.jobs == 0 ? std::string("NONE is long enough for a step: raise slurm.time") : cat(*p.jobs),
                    cat("slurm.time is ", report.in.recipe.slurm.time)});
  return cat("the run\n", table_text(rows));
}

std::string alternatives_text(const Report& report) {
  std::vector<std::vector<std::string>> rows = {
      {"nodes", "micro batch", "checkpointing", "precision", "step", "run", "node hours", "peak", ""}};
  constexpr std::size_t kShown = 10;
  std::size_t shown = 0;
  for (const auto& other : report.alternatives) {
    if (++shown > kShown && !other.changes.empty()) continue;  // the recipe itself is always there
    const Prediction& p = other.prediction;
    rows.push_back({cat(p.choice.nodes), cat(p.choice.micro_batch), p.choice.recompute ? "yes" : "no",
                    p.choice.dtype == Dtype::bf16 ? "bf16" : "fp32", seconds_text(p.step.total()),
                    seconds_text(p.expected_s), fixed(p.node_hours, 2), bytes_text(p.memory.peak()),
                    cat(p.fits ? "" : "does not fit ", other.changes.empty() ? "<- the recipe" : "")});
  }
  return cat("alternatives, the fastest first",
             report.alternatives.size() > kShown ? cat(" (of ", report.alternatives.size(), ")") : "", "\n",
             table_text(rows));
}

}  // namespace

std::string to_text(const Report& report) {
  const Prediction& p = report.chosen;
  const Work& work = report.in.work;
  std::string text;
  text += cat("machine: ", report.in.machine.name, "\n  ", p.machine_source, "\n");
  text +=
      cat("ranks: ", p.choice.ranks(), " (", p.choice.nodes, p.choice.nodes == 1 ? " node" : " nodes", " x ",
          p.choice.ranks_per_node, "), ", p.choice.threads, p.choice.threads == 1 ? " thread" : " threads", " each\n");
  text += cat("parameters: ", grouped(p.model.trainable), " trained, ", grouped(p.model.frozen), " frozen\n");
  text += cat("work: ", grouped(work.steps), " steps, ", work.exact ? "" : "about ", grouped(work.tokens), " tokens, ",
              grouped(work.labelled), " of them labelled; the largest micro batch has ", grouped(p.largest.tokens),
              " tokens\n");
  text += "decided\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, value, reason] : report.decisions) rows.push_back({key, value, reason});
  text += table_text(rows);
  text += memory_text(p);
  if (p.is_timed) text += time_text(p) + run_text(report);
  if (!p.fits) {
    if (report.smallest_change)
      text += cat("smallest change that fits: --set ", join(report.smallest_change->changes, " --set "), " (peak ",
                  bytes_text(report.smallest_change->prediction.memory.peak()), ")\n");
    else
      text += report.longest_that_fits > 0
                  ? cat("nothing fits with rows this long: with data.max_length=", report.longest_that_fits,
                        ", micro batches of one row and gradient checkpointing it would\n")
                  : cat("nothing fits: the model alone needs ", bytes_text(p.memory.libraries + p.memory.weights),
                        "; use nodes with more memory\n");
  }
  if (p.is_timed) text += alternatives_text(report);
  for (const auto& note : report.notes) text += cat("note: ", note, "\n");
  return text;
}

Report make_report(const Inputs& in, const std::vector<int>& nodes) {
  Report report{.in = in};
  const Choice choice = choice_of(in, report.decisions);
  report.chosen = predict(in, choice);
  if (report.chosen.is_timed) {
    report.decisions.push_back(
        {"checkpoint interval", seconds_text(report.chosen.saving.interval_s), report.chosen.saving.reason});
    report.alternatives = alternatives(in, choice, nodes);
  }
  if (!report.chosen.fits) {
    report.smallest_change = smallest_change(in, choice);
    if (!report.smallest_change) report.longest_that_fits = longest_that_fits(in, choice);
  }
  if (!report.chosen.is_timed)
    report.notes.push_back(
        "times are not known, and what libraries take is assumed: run `peft-studio probe` on a node of the type the "
        "run is for, or plan with published figures: --machine " +
        join(published_names(), " | "));
  if (in.machine.is_gpu)
    report.notes.push_back(
        "figures for a GPU are by its published peaks; docs/plan.md has what one H200 did beside them");
  if (report.chosen.is_timed && !in.machine.is_gpu &&
      in.recipe.model.quantization.format != weights::NumberFormat::none)
    report.notes.push_back("making numbers of the quantised matrices again, twice a micro batch, is not in the time");
  if (report.chosen.is_timed && !in.machine.disk && in.recipe.checkpoint.enabled)
    report.notes.push_back("no disk was measured: the writing of checkpoints counts as nothing");
  if (report.chosen.is_timed && (choice.nodes > 1 || !in.machine.inside))
    if (choice.ranks() > 1 && (!in.machine.between || in.machine.between->source == "assumed"))
      report.notes.push_back("the network was not measured: its latency and bandwidth are assumed");
  if (!in.work.exact) report.notes.push_back("tokens are scaled from a sample of the steps");
  if (!in.weights_are_here)
    report.notes.push_back("the model folder holds no weights: sizes are those of its config.json");
  return report;
}

}  // namespace pst::plan
