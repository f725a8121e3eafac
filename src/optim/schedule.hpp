// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "recipe/schedules.hpp"

namespace pst::optim {

/// Steps over which the rate rises: warmup_steps, or warmup_ratio of all steps rounded up, as HF Trainer counts them,
/// but by the ratio never all steps.
std::int64_t warmup_steps(const recipe::Scheduler& scheduler, std::int64_t total_steps);

/// Learning rate of 0-based step `step`. Warm-up rises from 0; then it follows the scheduler's course.
/// @param base  above 0, or the rate is 0 throughout
/// @see transformers 5.23 optimization.py: get_scheduler
double learning_rate(const recipe::Scheduler& scheduler, double base, std::int64_t step, std::int64_t total_steps);

}  // namespace pst::optim
