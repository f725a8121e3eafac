// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <utility>

#include "report/node_file.hpp"

namespace pst::report {
namespace {

// A damaged number must not cost gigabytes, nor many of them: a run tells of every step.
constexpr std::int64_t kWidestGap = 10'000;     ///< between steps
constexpr std::int64_t kPlacesPerTelling = 16;  ///< how many steps there may be for each time that one was told

/// What of a step was told by the ranks, added up; the slowest two stay known.
void merge(Step& into, const Step& from) {
  if (!into.has_values && from.has_values) {
    const Step kept = into;
    into = from;
    into.step_us = kept.step_us;
    into.ranks = kept.ranks;
    into.phase_us = kept.phase_us;
    into.work_us = kept.work_us;
    into.slowest_us = kept.slowest_us;
    into.second_us = kept.second_us;
    into.slowest_rank = kept.slowest_rank;
  }
  into.step_us = std::max(into.step_us, from.step_us);
  into.ranks += from.ranks;
  into.work_us += from.work_us;
  for (std::size_t i = 0; i < into.phase_us.size(); ++i) into.phase_us[i] += from.phase_us[i];
  if (from.slowest_us > into.slowest_us) {
    into.second_us = std::max(into.slowest_us, from.second_us);
    into.slowest_us = from.slowest_us;
    into.slowest_rank = from.slowest_rank;
  } else {
    into.second_us = std::max(into.second_us, from.slowest_us);
  }
}

}  // namespace

Step* Gathered::at(std::int64_t step) {
  if (step < 1) return nullptr;
  ++told;
  if (steps.empty()) {
    steps.push_back({.step = step});
    return &steps.front();
  }
  const std::int64_t first = steps.front().step, last = steps.back().step;
  if (step >= first && step <= last) return &steps[static_cast<std::size_t>(step - first)];
  if (step > last + kWidestGap || step < first - kWidestGap) return nullptr;
  if (std::max(step, last) - std::min(step, first) > kWidestGap + kPlacesPerTelling * told) return nullptr;
  if (step < first) {
    std::vector<Step> before;
    for (std::int64_t number = step; number < first; ++number) before.push_back({.step = number});
    steps.insert(steps.begin(), before.begin(), before.end());
  }
  for (std::int64_t number = last + 1; number <= step; ++number) steps.push_back({.step = number});
  return &steps[static_cast<std::size_t>(step - steps.front().step)];
}

void Gathered::add_rank_step(Step& step, Rank& rank, const telemetry::RankStep& times) {
  std::int64_t own_us = 0;
  for (const auto phase : {telemetry::StepPhase::data, telemetry::StepPhase::forward, telemetry::StepPhase::backward})
    own_us += times.phase_us[static_cast<std::size_t>(phase)];
  Step mine{.step = step.step, .step_us = times.step_us, .ranks = 1, .phase_us = times.phase_us, .work_us = own_us};
  mine.slowest_us = own_us;
  mine.slowest_rank = rank.rank;
  merge(step, mine);
  ++rank.steps;
  rank.step_us += times.step_us;
  for (std::size_t i = 0; i < times.phase_us.size(); ++i) rank.phase_us[i] += times.phase_us[i];
  most_rows = std::max(most_rows, step.rows);
  if (step.rows == most_rows) rank.work.add(own_us);
}

void Gathered::add(Gathered&& other) {
  for (const auto& step : other.steps)
    if (step.ranks > 0 || step.has_values)
      if (Step* const mine = at(step.step)) merge(*mine, step);
  std::move(other.members.begin(), other.members.end(), std::back_inserter(members));
  std::move(other.nodes.begin(), other.nodes.end(), std::back_inserter(nodes));
  if (evaluations.empty() || (other.has_root && !has_root)) {
    if (!other.evaluations.empty()) evaluations = std::move(other.evaluations);
    has_root = has_root || other.has_root;
  }
  if (!work) work = other.work;
  total_steps = std::max(total_steps, other.total_steps);
  ranks = std::max(ranks, other.ranks);
  if (resolved.is_null()) resolved = std::move(other.resolved);
}

}  // namespace pst::report
