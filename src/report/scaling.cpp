// SPDX-License-Identifier: Apache-2.0
#include "report/scaling.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"
#include "report/page.hpp"

namespace pst::report {
namespace {

using json::integer;
using json::real;
using json::text_of;
using nlohmann::ordered_json;

const char* const kBatch = "train.global_batch_size";

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const double rest = at - static_cast<double>(below);
  return below + 1 < values.size() ? values[below] * (1 - rest) + values[below + 1] * rest : values[below];
}

/// The attempt with the most steps, and so with one number of ranks.
const Attempt& longest(const std::vector<Attempt>& attempts, const std::string& name) {
  const Attempt* best = nullptr;
  for (const auto& attempt : attempts)
    if (!attempt.steps.empty() && (best == nullptr || attempt.steps.size() > best->steps.size())) best = &attempt;
  if (best == nullptr)
    throw Error(Fault::data, cat("run ", name, " has no recorded step"), "leave it out of the series");
  return *best;
}

/// The first steps are slower: memory is touched for the first time. A tenth of them, at least three, is left out.
std::vector<double> speeds(const Attempt& attempt) {
  const std::size_t warm_up = std::min(attempt.steps.size() / 2, std::max<std::size_t>(3, attempt.steps.size() / 10));
  std::vector<double> all;
  for (std::size_t i = warm_up; i < attempt.steps.size(); ++i) {
    const Step& step = attempt.steps[i];
    if (step.has_values && step.step_us > 0)
      all.push_back(1e6 * static_cast<double>(step.tokens) / static_cast<double>(step.step_us));
  }
  return all;
}

void refuse_different_work(const std::vector<Compared>& runs, ScalingKind kind) {
  std::vector<std::string> differing;
  for (const auto& [key, value] : runs.front().alter) {
    if (key == kBatch && kind == ScalingKind::weak) continue;
    for (const auto& run : runs)
      if (const auto found = run.alter.find(key); found == run.alter.end() || found->second != value) {
        differing.push_back(key);
        break;
      }
  }
  for (const char* digest : {"model_digest", "data_digest"})
    for (const auto& run : runs)
      if (text_of(run.report["run"], digest) != text_of(runs.front().report["run"], digest)) {
        differing.emplace_back(digest);
        break;
      }
  // The number of steps decides how long a run is, not how much a step costs.
  std::erase_if(differing, [](const std::string& key) {
    return key == "train.max_steps" || key == "train.epochs" || key == "train.seed";
  });
  if (differing.empty()) return;
  throw Error(Fault::usage, cat("these runs do not do the same work: they differ in ", join(differing, ", ")),
              "leave the odd ones out, or say --mixed to compare them nevertheless");
}

std::int64_t batch_of(const Compared& run) {
  const auto found = run.keys.find(kBatch);
  return found == run.keys.end() ? 0 : to_int(found->second).value_or(0);
}

const char* kind_name(ScalingKind kind) { return kind == ScalingKind::weak ? "weak" : "strong"; }

std::string percent(double share) { return cat(fixed(100 * share, 1), " %"); }

/// The factor that takes most away, in words.
std::string limit_of(const ordered_json& point) {
  const std::vector<std::pair<const char*, const char*>> factors = {
      {"load_balance", "some ranks have more work, or a slower processor, than others"},
      {"serialisation", "ranks wait for one another at the steps' edges, though their work is equal in sum"},
      {"transfer", "gradients take their time to travel"},
      {"saving", "checkpoints keep the loop"}};
  const char *worst = nullptr, *why = nullptr;
  double least = 2;
  for (const auto& [key, words] : factors)
    if (const auto value = real(point, key); value && *value < least) {
      least = *value;
      worst = key;
      why = words;
    }
  if (worst == nullptr) return {};
  return cat("At ", point["ranks"].get<int>(), " ranks the factor that takes most away is ", worst, " (",
             percent(least), "): ", why, ".");
}

ordered_json words_of(const ordered_json& points, ScalingKind kind) {
  ordered_json words = ordered_json::array();
  constexpr double kPays = 0.5;  // of what was added
  bool stops = false;
  for (std::size_t i = 1; i < points.size() && !stops; ++i) {
    const double more = points[i]["ranks"].get<double>() / points[i - 1]["ranks"].get<double>();
    const double gain = points[i]["tokens_per_s"].get<double>() / points[i - 1]["tokens_per_s"].get<double>();
    if (more <= 1 || (gain - 1) >= kPays * (more - 1)) continue;
    stops = true;
    words.push_back(cat("More ranks stop paying at ", points[i - 1]["ranks"].get<int>(), ": from there to ",
                        points[i]["ranks"].get<int>(), " the speed grows ", fixed(gain, 2), " times, for ",
                        fixed(more, 2), " times the ranks."));
  }
  if (!stops)
    words.push_back(cat("Up to ", points.back()["ranks"].get<int>(),
                        " ranks every step of the series pays: at least half of what is added becomes speed."));
  // Beside the factors of a run, processors may do the same work more slowly when more of them are at it.
  const char* const cost = "work_s_per_token_and_rank";
  const auto first = real(points.front(), cost), last = real(points.back(), cost);
  if (first && last && *last > 1.05 * *first)
    words.push_back(
        cat("A token costs a rank ", percent(*last / *first - 1),
            " more of its own time than in the smallest run: the ranks share something, such as memory bandwidth, "
            "cores or the clock's budget",
            kind == ScalingKind::strong ? ", or their share of the batch is too small to work efficiently." : "."));
  const auto planned = real(points.back(), "predicted_tokens_per_s");
  if (planned && *planned > 0) {
    const double off = points.back()["tokens_per_s"].get<double>() / *planned - 1;
    words.push_back(cat("At ", points.back()["ranks"].get<int>(), " ranks it is ", percent(std::abs(off)),
                        off < 0 ? " slower" : " faster", " than plan predicts."));
  }
  if (const auto limit = limit_of(points.back()); !limit.empty() && points.back()["ranks"].get<int>() > 1)
    words.push_back(limit);
  return words;
}

}  // namespace

ordered_json scaling_of(const std::vector<Compared>& runs, const std::vector<std::vector<Attempt>>& metrics,
                        ScalingKind kind, bool mixed) {
  ordered_json points = ordered_json::array();
  std::vector<std::int64_t> rows_per_rank;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const Attempt& attempt = longest(metrics[r], runs[r].name);
    const int ranks = std::max<int>(attempt.ranks, static_cast<int>(attempt.members.size()));
    const auto speed = speeds(attempt);
    if (speed.empty())
      throw Error(Fault::data, cat("run ", runs[r].name, " has too few steps to measure a speed"),
                  "leave it out, or let it run longer");
    double work_s = 0, tokens = 0;
    for (const auto& step : attempt.steps) {
      if (step.ranks == 0) continue;
      work_s += 1e-6 * static_cast<double>(step.work_us);
      tokens += static_cast<double>(step.tokens) * step.ranks / std::max(1, ranks);
    }
    ordered_json point = {{"run", runs[r].name},
                          {"ranks", ranks},
                          {"nodes", std::max<std::size_t>(1, attempt.nodes.size())},
                          {"global_batch_size", batch_of(runs[r])},
                          {"steps", attempt.steps.size()},
                          {"tokens_per_s", quantile(speed, 0.5)},
                          {"tokens_per_s_quarter", quantile(speed, 0.25)},
                          {"tokens_per_s_three_quarters", quantile(speed, 0.75)},
                          {"work_s_per_token_and_rank", tokens > 0 ? ordered_json(work_s / tokens) : ordered_json()}};
    for (const char* factor : {"parallel_efficiency", "load_balance", "communication_efficiency", "serialisation",
                               "transfer", "saving", "communication_share"})
      point[factor] = runs[r].report.contains("efficiency") ? runs[r].report["efficiency"].value(factor, ordered_json())
                                                            : ordered_json();
    // The plan is of the recipe's own size; a run on another number of ranks has none.
    const auto plan = runs[r].report.value("plan", ordered_json());
    point["predicted_tokens_per_s"] = plan.is_object() && integer(plan, "ranks") == ranks
                                          ? plan.value("tokens_per_s", ordered_json())
                                          : ordered_json();
    rows_per_rank.push_back(ranks > 0 ? batch_of(runs[r]) / ranks : 0);
    points.push_back(point);
  }
  if (kind == ScalingKind::automatic) {
    const bool one_batch = std::all_of(runs.begin(), runs.end(),
                                       [&](const Compared& run) { return batch_of(run) == batch_of(runs.front()); });
    const bool one_share = std::all_of(rows_per_rank.begin(), rows_per_rank.end(),
                                       [&](std::int64_t rows) { return rows == rows_per_rank.front(); });
    kind = !one_batch && one_share ? ScalingKind::weak : ScalingKind::strong;
  }
  if (!mixed) refuse_different_work(runs, kind);

  std::vector<ordered_json> sorted(points.begin(), points.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const ordered_json& a, const ordered_json& b) {
    return a["ranks"].get<int>() < b["ranks"].get<int>();
  });
  if (sorted.front()["ranks"] == sorted.back()["ranks"])
    throw Error(Fault::usage,
                cat("all of these runs have ", sorted.front()["ranks"].get<int>(), " ranks: there is nothing to scale"),
                "peft-studio compare   puts equal runs side by side");
  points = sorted;
  const double base = points.front()["tokens_per_s"].get<double>(), base_ranks = points.front()["ranks"].get<double>();
  for (auto& point : points) {
    const double speed_up = point["tokens_per_s"].get<double>() / base;
    point["speed_up"] = speed_up;
    const double more = point["ranks"].get<double>() / base_ranks;
    point["efficiency"] = speed_up / more;
    const auto predicted = real(point, "predicted_tokens_per_s"),
               at_base = real(points.front(), "predicted_tokens_per_s");
    const bool known = predicted && at_base && *at_base > 0;
    point["predicted_efficiency"] = known ? ordered_json(*predicted / *at_base / more) : ordered_json();
  }
  return {{"kind", kind_name(kind)}, {"mixed", mixed}, {"points", points}, {"words", words_of(points, kind)}};
}

std::string scaling_markdown(const ordered_json& scaling) {
  std::string out = cat(
      "# ", scaling["kind"] == "weak" ? "Weak scaling: the same work per rank" : "Strong scaling: the same work in all",
      "\n\n",
      "| ranks | nodes | tokens/s, median | quartiles | speed-up | efficiency | load balance | serialisation | "
      "transfer | saving | communication | plan: tokens/s | plan: efficiency |\n"
      "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
  for (const auto& p : scaling["points"])
    out +=
        cat("| ", p["ranks"].get<int>(), " | ", p["nodes"].get<int>(), " | ", fixed(p["tokens_per_s"].get<double>(), 0),
            " | ", fixed(p["tokens_per_s_quarter"].get<double>(), 0), " to ",
            fixed(p["tokens_per_s_three_quarters"].get<double>(), 0), " | ", fixed(p["speed_up"].get<double>(), 2),
            " | ", percent_text(p["efficiency"]), " | ", percent_text(p["load_balance"]), " | ",
            percent_text(p["serialisation"]), " | ", percent_text(p["transfer"]), " | ", percent_text(p["saving"]),
            " | ", percent_text(p["communication_share"]), " | ",
            p["predicted_tokens_per_s"].is_number() ? fixed(p["predicted_tokens_per_s"].get<double>(), 0) : "-", " | ",
            p["predicted_efficiency"].is_number() ? percent_text(p["predicted_efficiency"]) : "-", " |\n");
  out += '\n';
  for (const auto& words : scaling["words"]) out += cat("- ", words.get<std::string>(), '\n');
  return out;
}

}  // namespace pst::report
