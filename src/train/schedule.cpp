// SPDX-License-Identifier: Apache-2.0
#include "train/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pst::train {

std::int64_t warmup_steps(const recipe::Scheduler& scheduler, std::int64_t total_steps) {
  if (scheduler.warmup_steps) return *scheduler.warmup_steps;
  const auto share = static_cast<std::int64_t>(std::ceil(scheduler.warmup_ratio * static_cast<double>(total_steps)));
  return std::min(share, std::max<std::int64_t>(0, total_steps - 1));  // a run of one step would learn nothing
}

double learning_rate(const recipe::Scheduler& scheduler, double base, std::int64_t step, std::int64_t total_steps) {
  const std::int64_t warmup = warmup_steps(scheduler, total_steps);
  const auto ratio = [](std::int64_t part, std::int64_t whole) {
    return static_cast<double>(part) / static_cast<double>(std::max<std::int64_t>(1, whole));
  };
  if (step < warmup) return base * ratio(step, warmup);
  switch (scheduler.name) {
    case recipe::SchedulerName::constant: return base;
    case recipe::SchedulerName::linear: return base * std::max(0.0, ratio(total_steps - step, total_steps - warmup));
    case recipe::SchedulerName::cosine:
      return base * std::max(0.0, 0.5 * (1 + std::cos(std::numbers::pi * ratio(step - warmup, total_steps - warmup))));
  }
  return base;
}

}  // namespace pst::train
