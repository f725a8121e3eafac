// SPDX-License-Identifier: Apache-2.0
#include "app/run_observer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "recipe/guard.hpp"

namespace pst::app {
namespace {

const char* word_of(recipe::GuardAction action) {
  const auto words = recipe::words_of(action);
  return std::find_if(words.begin(), words.end(), [&](const auto& word) { return word.second == action; })->first;
}

}  // namespace

void RunObserver::on_finding(std::int64_t step, const train::Finding& finding) {
  if (!world_.is_root()) return;
  run_.try_event(
      "guard",
      {{"step", step}, {"reason", finding.what}, {"action", word_of(finding.action)}, {"remedy", finding.remedy}});
}

void RunObserver::on_step(const train::StepRecord& step) {
  signs_.progress(step.step, heartbeat::Phase::evaluating);  // until the next one begins
  journal_.step(step);
}

}  // namespace pst::app
