// SPDX-License-Identifier: Apache-2.0
#include "app/run_observer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/stop_signal.hpp"
#include "core/strings.hpp"
#include "recipe/guard.hpp"

namespace pst::app {
namespace {

const char* word_of(recipe::GuardAction action) {
  const auto words = recipe::words_of(action);
  return std::find_if(words.begin(), words.end(), [&](const auto& word) { return word.second == action; })->first;
}

}  // namespace

RunObserver::RunObserver(const Run& run, const comm::Communicator& world, VitalSigns& signs, Journal& journal,
                         Profiling& profiling)
    : run_(run.dir),
      hold_(StepHold::folder_of_environment(),
            world.is_root() ? cat(run.dir.root().string(), " attempt ", run.attempt) : ""),
      world_(world),
      signs_(signs),
      journal_(journal),
      profiling_(profiling) {}

void RunObserver::on_finding(std::int64_t step, const train::Finding& finding) {
  if (!world_.is_root()) return;
  run_.try_event(
      "guard",
      {{"step", step}, {"reason", finding.what}, {"action", word_of(finding.action)}, {"remedy", finding.remedy}});
}

void RunObserver::on_step(const train::StepRecord& step) {
  signs_.progress(step.step, heartbeat::Phase::evaluating);  // until the next one begins
  journal_.step(step);
  hold_.after(step.step, [this] { return signs_.stop_requested() || stop_signal() != 0; });
}

void RunObserver::on_early_stop(const train::TrainState& state) {
  if (!world_.is_root()) return;
  const auto& [loss, step, misses] = state.best;
  run_.try_event("stopped-early",
                 {{"step", state.step},
                  {"reason", state.ended_early},
                  {"best_step", step},
                  {"validation_loss", loss ? nlohmann::ordered_json(*loss) : nlohmann::ordered_json()}});
}

}  // namespace pst::app
