// SPDX-License-Identifier: Apache-2.0
#include "report/profile_sums.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"
#include "report/profile_words.hpp"

namespace pst::report {
namespace {

using json::integer;
using json::real;
using json::text_of;
using nlohmann::ordered_json;

const char* const kAgain = " again";
const char* const kBackward = " backward";

std::string part_of(const std::string& phase, const std::string& kind, const std::string& name) {
  if (phase == "evaluation") return part::kEvaluation;
  if (kind == "disk") return part::kCheckpoint;
  if (phase == "transfer") return part::kTransfer;
  if (kind == "communication" && (phase == "forward" || phase == "backward")) return part::kWeights;
  if (phase == "waiting" || kind == "communication") return part::kWaiting;
  if (phase == "data") return part::kData;
  if (phase == "optimizer") return part::kOptimizer;
  if (phase == "edge" || phase == "checkpoint") return part::kCheckpoint;
  if (name.ends_with(kAgain)) return part::kAgain;
  if (kind == "linear") return part::kFrozen;
  if (kind == "adapter") return part::kAdapters;
  if (kind == "attention") return part::kAttention;
  if (kind == "head") return part::kHead;
  if (kind == "norm" || kind == "activation") return part::kNorms;
  return part::kBetween;
}

/// Of a layer the number is left out: its operations add up over layers.
std::string key_name(const std::string& kind, const std::string& name) {
  if (kind != "layer") return name;
  return name.ends_with(kAgain) ? "layer again" : name.ends_with(kBackward) ? "layer backward" : "layer";
}

ordered_json per_step(double us, std::int64_t steps) { return 1e-3 * us / static_cast<double>(steps); }

}  // namespace

void ProfileSums::Cell::add(const Cell& other) {
  count += other.count;
  bytes += other.bytes;
  self_us += other.self_us;
  total_us += other.total_us;
}

void ProfileSums::begin(const RankTrace& trace) { ranks_.push_back({.rank = trace.rank, .host = trace.host}); }

void ProfileSums::end() {
  pending_.clear();
  step_.clear();
  step_layers_.clear();
  step_phases_us_ = 0;
}

void ProfileSums::add(const ordered_json& span, double unix_s, double dur_us, bool beside) {
  const ordered_json& args = span["args"];
  const std::string kind = text_of(span, "cat"), name = text_of(span, "name");
  const Cell cell{1, integer(args, "bytes").value_or(0), real(args, "self_us").value_or(0), dur_us};
  if (beside) {
    beside_[{"", kind, name}].add(cell);
    return;
  }
  if (kind == "communication") {
    const std::string group = text_of(args, "group");
    pending_[{"", kind, group.empty() ? name : cat(name, " in ", group)}].add(cell);
    const bool meets = !name.ends_with("_begin") && !name.ends_with("_wait");  // those two halves may overlap work
    if (group == "world" && meets)
      meetings_[integer(args, "turn").value_or(0)].push_back({ranks_.back().rank, unix_s, 1e-6 * dur_us});
  } else if (kind == "phase") {
    for (const auto& [key, value] : pending_) step_[{name, std::get<1>(key), std::get<2>(key)}].add(value);
    pending_.clear();
    step_[{name, kind, name}].add(cell);
    step_phases_us_ += dur_us;
  } else if (kind == "step") {
    for (const auto& [key, value] : step_) cells_[key].add(value);
    for (const auto& [layer, value] : step_layers_) {
      layers_[layer].forward_us += value.forward_us;
      layers_[layer].backward_us += value.backward_us;
    }
    other_us_ += std::max(0.0, dur_us - step_phases_us_);
    RankSum& rank = ranks_.back();
    const std::int64_t step = integer(args, "step").value_or(0);
    if (rank.steps++ == 0) rank.first_step = step;
    rank.last_step = step;
    rank.step_us += dur_us;
    end();
  } else {
    pending_[{"", kind, key_name(kind, name)}].add(cell);
    if (kind == "layer" && !name.ends_with(kAgain)) {
      Layer& layer = step_layers_[static_cast<int>(integer(args, "layer").value_or(-1))];
      (name.ends_with(kBackward) ? layer.backward_us : layer.forward_us) += dur_us;
    }
  }
}

/// In a collective operation everybody is done only when the last has come: what a rank spends there before is waiting.
ProfileSums::Waiting ProfileSums::waiting() const {
  Waiting result;
  for (const auto& [turn, present] : meetings_) {
    if (present.size() < 2 || present.size() != ranks_.size()) continue;
    const auto last = std::max_element(present.begin(), present.end(),
                                       [](const Meeting& a, const Meeting& b) { return a.begin_s < b.begin_s; });
    ++result.meetings;
    for (const auto& one : present) {
      const double waited = std::clamp(last->begin_s - one.begin_s, 0.0, one.dur_s);
      result.waited_s[one.rank] += waited;
      result.held_up_s[last->rank] += waited;
      result.waited += waited;
      result.transfer += one.dur_s - waited;
    }
  }
  return result;
}

ordered_json ProfileSums::parts(double all_us, std::int64_t steps) const {
  struct Sum {
    double us = 0, forward_us = 0, backward_us = 0;
  };
  std::map<std::string, Sum> sums;
  for (const auto& [key, cell] : cells_) {
    const auto& [phase, kind, name] = key;
    Sum& sum = sums[part_of(phase, kind, name)];
    sum.us += cell.self_us;
    (name.ends_with(kBackward) ? sum.backward_us : sum.forward_us) += cell.self_us;
  }
  sums[part::kOther].us += other_us_;
  ordered_json parts = ordered_json::array();
  for (const auto& [name, sum] : sums)
    parts.push_back({{"part", name},
                     {"share", sum.us / all_us},
                     {"ms_per_step", per_step(sum.us, steps)},
                     {"forward_share", sum.forward_us / all_us},
                     {"backward_share", sum.backward_us / all_us}});
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) {
    return a["share"].template get<double>() > b["share"].template get<double>();
  });
  return parts;
}

ordered_json ProfileSums::hot_spots(double all_us, std::int64_t steps) const {
  std::map<std::pair<std::string, std::string>, Cell> by_name;
  for (const auto& [key, cell] : cells_) {
    const auto& [phase, kind, name] = key;
    if (phase == "evaluation") continue;
    by_name[{kind, kind == "phase" || kind == "layer" ? cat("between the operations of '", name, "'") : name}].add(
        cell);
  }
  ordered_json spots = ordered_json::array();
  for (const auto& [key, cell] : by_name)
    spots.push_back({{"name", key.second},
                     {"kind", key.first},
                     {"share", cell.self_us / all_us},
                     {"ms_per_step", per_step(cell.self_us, steps)},
                     {"per_step", static_cast<double>(cell.count) / static_cast<double>(steps)}});
  std::stable_sort(spots.begin(), spots.end(), [](const auto& a, const auto& b) {
    return a["share"].template get<double>() > b["share"].template get<double>();
  });
  constexpr std::size_t kShown = 25;
  if (spots.size() > kShown) spots.erase(spots.begin() + kShown, spots.end());
  return spots;
}

ordered_json ProfileSums::layers(std::int64_t steps) const {
  ordered_json all = ordered_json::array();
  for (const auto& [layer, sum] : layers_)
    if (layer >= 0)
      all.push_back({{"layer", layer},
                     {"forward_ms", per_step(sum.forward_us, steps)},
                     {"backward_ms", per_step(sum.backward_us, steps)}});
  return all;
}

ordered_json ProfileSums::collectives(std::int64_t steps) const {
  ordered_json all = ordered_json::array();
  for (const auto& [key, cell] : cells_) {
    const auto& [phase, kind, name] = key;
    if (kind != "communication") continue;
    all.push_back({{"operation", name},
                   {"phase", phase},
                   {"per_step", static_cast<double>(cell.count) / static_cast<double>(steps)},
                   {"bytes_each", cell.bytes / std::max<std::int64_t>(1, cell.count)},
                   {"ms_each", 1e-3 * cell.total_us / static_cast<double>(cell.count)}});
  }
  return all;
}

ordered_json ProfileSums::result(int attempt, const std::vector<RankTrace>& traces) const {
  std::int64_t steps = 0;
  double all_us = 0;
  for (const auto& rank : ranks_) {
    steps += rank.steps;
    all_us += rank.step_us;
  }
  if (steps == 0)
    throw Error(Fault::data, "no rank's trace holds a whole step", "the attempt ended in the first of them");
  ordered_json profile = {{"attempt", attempt},
                          {"ranks_of_run", traces.front().ranks},
                          {"step_ms", per_step(all_us, steps)},
                          {"ranks", ordered_json::array()}};
  const Waiting waited = waiting();
  const auto of_rank = [](const std::map<int, double>& all, int rank) {
    const auto found = all.find(rank);
    return found == all.end() ? 0.0 : found->second;
  };
  for (std::size_t i = 0; i < ranks_.size(); ++i) {
    const RankSum& rank = ranks_[i];
    const auto own = static_cast<double>(std::max<std::int64_t>(1, rank.steps));
    ordered_json row = {{"rank", rank.rank},
                        {"node", rank.host},
                        {"steps", rank.steps},
                        {"first_step", rank.first_step},
                        {"last_step", rank.last_step},
                        {"step_ms", 1e-3 * rank.step_us / own},
                        {"clock_uncertainty_s", traces[i].uncertainty_s()}};
    row["waited_ms"] =
        waited.meetings > 0 ? ordered_json(1e3 * of_rank(waited.waited_s, rank.rank) / own) : ordered_json();
    row["waited_for_ms"] =
        waited.meetings > 0 ? ordered_json(1e3 * of_rank(waited.held_up_s, rank.rank) / own) : ordered_json();
    profile["ranks"].push_back(row);
  }
  if (waited.meetings > 0) {
    profile["waiting_share"] = 1e6 * waited.waited / all_us;
    profile["transfer_share"] = 1e6 * waited.transfer / all_us;
  }
  profile["parts"] = parts(all_us, steps);
  profile["hot_spots"] = hot_spots(all_us, steps);
  profile["layers"] = layers(steps);
  profile["collectives"] = collectives(steps);
  profile["disk"] = ordered_json::array();
  for (const auto& [key, cell] : beside_)
    profile["disk"].push_back({{"name", std::get<2>(key)},
                               {"count", cell.count},
                               {"ms_each", 1e-3 * cell.total_us / static_cast<double>(cell.count)},
                               {"bytes_each", cell.bytes / std::max<std::int64_t>(1, cell.count)}});
  profile["words"] = profile_words(profile);
  return profile;
}

}  // namespace pst::report
