// SPDX-License-Identifier: Apache-2.0
#include "optim/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pst::optim {
namespace {

double ratio(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::int64_t>(1, whole));
}

// The part of the base rate after the warm-up, of a row of the table each (recipe/schedules.hpp).
// @param step  since the warm-up. @param steps  from there to the end

double part_of(const recipe::Constant&, std::int64_t, std::int64_t) { return 1; }

double part_of(const recipe::Linear&, std::int64_t step, std::int64_t steps) {
  return std::max(0.0, ratio(steps - step, steps));
}

double part_of(const recipe::Cosine&, std::int64_t step, std::int64_t steps) {
  return std::max(0.0, 0.5 * (1 + std::cos(std::numbers::pi * ratio(step, steps))));
}

}  // namespace

std::int64_t warmup_steps(const recipe::Scheduler& scheduler, std::int64_t total_steps) {
  if (scheduler.warmup_steps) return *scheduler.warmup_steps;
  const auto share = static_cast<std::int64_t>(std::ceil(scheduler.warmup_ratio * static_cast<double>(total_steps)));
  return std::min(share, std::max<std::int64_t>(0, total_steps - 1));  // a run of one step would learn nothing
}

double learning_rate(const recipe::Scheduler& scheduler, double base, std::int64_t step, std::int64_t total_steps) {
  const std::int64_t warmup = warmup_steps(scheduler, total_steps);
  if (step < warmup) return base * ratio(step, warmup);
  return base * std::visit([&](const auto& course) { return part_of(course, step - warmup, total_steps - warmup); },
                           scheduler.course);
}

}  // namespace pst::optim
