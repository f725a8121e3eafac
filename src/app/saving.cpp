// SPDX-License-Identifier: Apache-2.0
#include "app/saving.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "checkpoint/interval.hpp"

namespace pst::app {

train::SavePolicy save_policy(const recipe::Recipe& whole, double mtbf_s) {
  const recipe::Checkpoint& recipe = whole.checkpoint;
  const bool best = recipe.keep_best || recipe::keeps_best(whole.train);
  train::SavePolicy policy{.never = !recipe.enabled,
                           .every_steps = recipe.every_steps,
                           .mtbf_s = mtbf_s,
                           .when_best = best,
                           .milestone_every = recipe.milestone_steps.value_or(0),
                           .give_up_s = 60 * recipe.max_loss_minutes,
                           .keep = {.newest = recipe.keep, .best = best}};
  if (recipe.every_minutes) policy.every_s = 60 * *recipe.every_minutes;
  return policy;
}

double mean_time_between_failures(const rundir::RunDir& run, int attempt, int nodes) {
  const double usual = checkpoint::kUsualNodeMtbfHours * 3600 / std::max(1, nodes);
  std::error_code status;
  const auto first = std::filesystem::last_write_time(run.attempt(1) / "attempt.json", status);
  if (attempt < 2 || status) return usual;
  const double lived = std::chrono::duration<double>(std::filesystem::file_time_type::clock::now() - first).count();
  return checkpoint::seen_mtbf(lived, attempt - 1, usual);
}

}  // namespace pst::app
