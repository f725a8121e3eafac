// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "recipe/schedules.hpp"

namespace pst::optim {

/// Steps over which the rate rises: warmup_steps, or warmup_ratio of all steps rounded up, as HF Trainer counts them,
/// but by the ratio never all steps.
std::int64_t warmup_steps(const recipe::Scheduler& scheduler, std::int64_t total_steps);

/// Learning rate of 0-based step `step`. Warm-up rises linearly from 0; then constant, linear to 0 or half a cosine to
/// 0.
/// @see transformers optimization.py: get_{constant,linear,cosine}_schedule_with_warmup
double learning_rate(const recipe::Scheduler& scheduler, double base, std::int64_t step, std::int64_t total_steps);

}  // namespace pst::optim
