// SPDX-License-Identifier: Apache-2.0
// How well the ranks' time was used, and by which of them it was held up.
#include <algorithm>
#include <cmath>
#include <map>

#include "core/strings.hpp"
#include "report/summary.hpp"

namespace pst::report {
namespace {

using nlohmann::ordered_json;
using telemetry::StepPhase;

double seconds(std::int64_t us) { return 1e-6 * static_cast<double>(us); }
std::int64_t of(const Phases& phases, StepPhase phase) { return phases[static_cast<std::size_t>(phase)]; }

/// A rank's own work, without waiting, exchange and saving.
std::int64_t useful(const Rank& rank) {
  return rank.step_us - of(rank.phase_us, StepPhase::waiting) - of(rank.phase_us, StepPhase::transfer) -
         of(rank.phase_us, StepPhase::checkpoint);
}

const Attempt* main_attempt(const std::vector<Attempt>& attempts) {
  const Attempt* longest = nullptr;
  for (const auto& attempt : attempts)
    if (!attempt.members.empty() && (longest == nullptr || attempt.steps.size() >= longest->steps.size()))
      longest = &attempt;
  return longest;
}

bool splits_known(const Attempt& attempt) {
  return std::all_of(attempt.members.begin(), attempt.members.end(), [](const Rank& r) { return r.split_known; });
}

/// Mean milliseconds per step in each phase.
ordered_json phases_of(const Phases& phases, std::int64_t steps, bool split_known) {
  ordered_json row;
  const double n = std::max<double>(1, static_cast<double>(steps));
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const bool unknown = !split_known && i == static_cast<std::size_t>(StepPhase::waiting);
    row[telemetry::kStepPhaseNames[i]] = unknown ? ordered_json() : ordered_json(1e3 * seconds(phases[i]) / n);
  }
  return row;
}

double lower_median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[(values.size() - 1) / 2];
}

ordered_json ranks_of(const Attempt& attempt) {
  ordered_json all = ordered_json::array();
  const auto steps = std::max<double>(1, static_cast<double>(attempt.full_steps));
  for (const auto& r : attempt.members)
    all.push_back({{"rank", r.rank},
                   {"node", r.host},
                   {"steps", r.steps},
                   {"step_ms", 1e3 * seconds(r.step_us) / std::max<double>(1, static_cast<double>(r.steps))},
                   {"phases_ms", phases_of(r.phase_us, r.steps, r.split_known)},
                   {"work_ms_median", r.work.quantile(0.5) / 1e3},
                   {"work_ms_p99", r.work.quantile(0.99) / 1e3},
                   {"slowest_share", static_cast<double>(r.slowest) / steps},
                   {"held_up_s", r.held_up_s},
                   {"cpu_cores", or_null(r.cpu_cores)},
                   {"resident_peak_bytes", or_null(r.resident_peak_bytes)}});
  return all;
}

/// A rank is a straggler when its median step takes a tenth longer than the other ranks' usual one, or when waiting for
/// it cost 2 % of the time. The lower median, so that of two ranks the slower one is compared with the faster.
ordered_json stragglers_of(const Attempt& attempt, double stepping_s) {
  constexpr double kSlower = 1.10, kCost = 0.02;
  constexpr std::int64_t kFewest = 10;
  ordered_json all = ordered_json::array();
  if (attempt.members.size() < 2 || attempt.full_steps < kFewest) return all;
  std::vector<double> medians;
  for (const auto& r : attempt.members) medians.push_back(r.work.quantile(0.5));
  const double usual = lower_median(medians);
  for (const auto& r : attempt.members) {
    const double median = r.work.quantile(0.5), share = stepping_s > 0 ? r.held_up_s / stepping_s : 0;
    const bool always = usual > 0 && median > kSlower * usual;
    if (!always && share < kCost) continue;
    const double most = static_cast<double>(r.slowest) / static_cast<double>(attempt.full_steps);
    // Everybody is slowest now and then: without a slow median it takes far more than a fair share of the steps, too.
    const double fair = 1.0 / static_cast<double>(attempt.members.size());
    if (!always && most < std::min(2 * fair, (1 + fair) / 2)) continue;
    std::string words =
        cat("rank ", r.rank, " on node ", r.host, ": its work takes ", fixed(median / 1e3, 1),
            " ms in the median step, where ", fixed(usual / 1e3, 1),
            " ms are usual; it was the slowest of the ranks in ", fixed(100 * most, 0), " % of the steps, and ",
            fixed(r.held_up_s, 1), " s were lost by that (", fixed(100 * share, 1), " % of the time in steps)");
    all.push_back({{"attempt", attempt.number},
                   {"rank", r.rank},
                   {"node", r.host},
                   {"median_ms", median / 1e3},
                   {"usual_ms", usual / 1e3},
                   {"slower_by", usual > 0 ? ordered_json(median / usual - 1) : ordered_json()},
                   {"slowest_share", most},
                   {"held_up_s", r.held_up_s},
                   {"evidence", words},
                   {"what_to_do", always ? cat("look at what else runs on ", r.host,
                                               ", at its clock speed and temperature; slurm.exclude leaves it out")
                                         : cat("something on ", r.host, " comes and goes: look at its samples")}});
  }
  return all;
}

/// The POP hierarchy (co-design.pop-coe.eu, "Standard Metrics for Performance Audit"), with a factor of its own for
/// saving. Times are means over ranks of their sums over steps; the run's time is that of its slowest rank.
ordered_json factors_of(const Attempt& attempt) {
  double sum_useful = 0, max_useful = 0, sum_transfer = 0, sum_waiting = 0, sum_saving = 0, longest = 0;
  for (const auto& r : attempt.members) {
    const double mine = seconds(useful(r));
    sum_useful += mine;
    max_useful = std::max(max_useful, mine);
    sum_transfer += seconds(of(r.phase_us, StepPhase::transfer));
    sum_waiting += seconds(of(r.phase_us, StepPhase::waiting));
    sum_saving += seconds(of(r.phase_us, StepPhase::checkpoint));
    longest = std::max(longest, seconds(r.step_us));
  }
  const auto n = static_cast<double>(attempt.members.size());
  if (longest <= 0 || n == 0) return nullptr;
  const double without_saving = longest - sum_saving / n, ideal = without_saving - sum_transfer / n;
  const bool known = splits_known(attempt);
  ordered_json factors = {
      {"attempt", attempt.number},
      {"ranks", attempt.members.size()},
      {"parallel_efficiency", sum_useful / n / longest},
      {"load_balance", max_useful > 0 ? ordered_json(sum_useful / n / max_useful) : ordered_json()},
      {"communication_efficiency", max_useful / longest},
      {"serialisation", known && ideal > 0 ? ordered_json(max_useful / ideal) : ordered_json()},
      {"transfer", known ? ordered_json(ideal / without_saving) : ordered_json()},
      {"saving", without_saving / longest},
      {"waiting_share", known ? ordered_json(sum_waiting / n / longest) : ordered_json()},
      {"transfer_share", known ? ordered_json(sum_transfer / n / longest) : ordered_json()},
      {"communication_share", (sum_waiting + sum_transfer) / n / longest},
      {"imbalance", max_useful > 0 ? ordered_json(max_useful / (sum_useful / n) - 1) : ordered_json()}};
  return factors;
}

/// Operations that a frozen base with adapters needs: forward twice its weights, backward the same again (no gradient
/// of a frozen weight), three times attention's forward; the head only where there is a label (docs/report.md).
double operations_of(const Work& work, const Step& step) {
  const auto tokens = static_cast<double>(step.tokens), labelled = static_cast<double>(step.labelled_tokens);
  const double linear = 4 * static_cast<double>(work.layer_weights) * tokens +
                        4 * static_cast<double>(work.head_weights) * labelled +
                        6 * static_cast<double>(work.adapter_parameters) * tokens;
  return linear + 3 * 2 * static_cast<double>(work.attention_width) * static_cast<double>(step.attention_pairs);
}

ordered_json work_of(const CountedSteps& steps, const Figures& figures) {
  double operations = 0, took = 0, rank_s = 0;
  for (const auto& [attempt, step] : steps.counted) {
    if (!attempt->work || step->attention_pairs == 0) continue;
    operations += operations_of(*attempt->work, *step);
    took += seconds(step->step_us);
    rank_s += seconds(step->step_us) * std::max(1, attempt->ranks);
  }
  if (took <= 0) return {{"left_out", "these metrics do not tell the model's sizes (format 0)"}};
  ordered_json work = {{"operations", operations},
                       {"flops", operations / took},
                       {"flops_per_rank", operations / rank_s},
                       {"share_of_peak", nullptr}};
  if (figures.peak_flops_per_rank) {
    work["peak_flops_per_rank"] = *figures.peak_flops_per_rank;
    work["share_of_peak"] = operations / rank_s / *figures.peak_flops_per_rank;
    work["peak_source"] = figures.peak_source.empty() ? figures.source : figures.peak_source;
  } else {
    work["left_out"] =
        "share of the peak: no peak was given (--peak-gflops), and probe has measured none on such nodes";
  }
  return work;
}

ordered_json memory_of(const Attempt& attempt) {
  std::int64_t peak = 0;
  int rank = -1;
  for (const auto& r : attempt.members)
    if (r.resident_peak_bytes && *r.resident_peak_bytes > peak) {
      peak = *r.resident_peak_bytes;
      rank = r.rank;
    }
  if (rank < 0) return {{"left_out", "no sample of the ranks' memory: the attempt was too short, or is of format 0"}};
  ordered_json memory = {{"resident_peak_bytes", peak}, {"rank", rank}, {"least_available_bytes", nullptr}};
  for (const auto& node : attempt.nodes)
    if (node.least_available_bytes &&
        (memory["least_available_bytes"].is_null() ||
         *node.least_available_bytes < memory["least_available_bytes"].get<std::int64_t>())) {
      memory["least_available_bytes"] = *node.least_available_bytes;
      memory["least_available_on"] = node.host;
    }
  return memory;
}

ordered_json nodes_phases(const Attempt& attempt) {
  struct Sum {
    Phases phases{};
    std::int64_t steps = 0;
    bool split_known = true;
    int ranks = 0;
  };
  std::map<std::string, Sum> by_node;
  for (const auto& r : attempt.members) {
    Sum& sum = by_node[r.host];
    for (std::size_t i = 0; i < sum.phases.size(); ++i) sum.phases[i] += r.phase_us[i];
    sum.steps += r.steps;
    sum.split_known = sum.split_known && r.split_known;
    ++sum.ranks;
  }
  ordered_json all = ordered_json::array();
  for (const auto& [host, sum] : by_node)
    all.push_back(
        {{"node", host}, {"ranks", sum.ranks}, {"phases_ms", phases_of(sum.phases, sum.steps, sum.split_known)}});
  return all;
}

}  // namespace

void add_efficiency(ordered_json& report, const std::vector<Attempt>& attempts, const CountedSteps& steps,
                    const Figures& figures) {
  report["work"] = work_of(steps, figures);
  report["ranks"] = ordered_json::array();
  report["stragglers"] = ordered_json::array();
  const Attempt* const main = main_attempt(attempts);
  if (main == nullptr) return;
  Phases sum{};
  std::int64_t rank_steps = 0;
  for (const auto& r : main->members) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += r.phase_us[i];
    rank_steps += r.steps;
  }
  report["phases"] = {{"attempt", main->number},
                      {"mean_ms", phases_of(sum, rank_steps, splits_known(*main))},
                      {"nodes", nodes_phases(*main)}};
  report["ranks"] = ranks_of(*main);
  report["efficiency"] = factors_of(*main);
  report["memory"] = memory_of(*main);
  for (const auto& attempt : attempts) {
    double stepping_s = 0;
    for (const auto& step : attempt.steps) stepping_s += seconds(step.step_us);
    for (auto& straggler : stragglers_of(attempt, stepping_s)) report["stragglers"].push_back(straggler);
  }
}

}  // namespace pst::report
