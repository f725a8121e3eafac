// SPDX-License-Identifier: Apache-2.0
#include "app/run_saver.hpp"

#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/saving.hpp"
#include "app/stop_signal.hpp"
#include "rundir/lease.hpp"
#include "version/version.hpp"

namespace pst::app {
namespace {

train::Provenance provenance_of(const Run& run, const Resolved& resolved, const peft::Adapter& adapter) {
  return {.version = version(),
          .recipe_digest = run.record.recipe_digest,
          .model_digest = run.record.model_digest,
          .data_digest = run.record.data_digest,
          .adapter_config = adapter.config_json(run.record.model_path.string()),
          .recipe = keys_that_alter(run.recipe, resolved)};
}

train::SaverHooks hooks_of(const Run& run, train::HostState& host, VitalSigns& signs, trace::Sink* trace) {
  return {.stop_signal =
              [&signs] {
                signs.enter(heartbeat::Phase::training);  // asked at every step edge
                return signs.stop_requested() ? SIGUSR2 : stop_signal();
              },
          .may_commit = [&run] { rundir::check_generation(run.dir, run.attempt); },
          .event = [&run](const std::string& kind,
                          nlohmann::ordered_json details) { run.dir.try_event(kind, std::move(details)); },
          .saving = [&signs] { signs.enter(heartbeat::Phase::saving); },
          .snapshot = [&host] { host.pull(); },
          .replica = [&host] { return host.replica(); },
          .trace = trace};
}

}  // namespace

train::Saver run_saver(const Run& run, const Hardware& hardware, const Ranks& ranks, LoadedModel& loaded,
                       TrainingState& state, VitalSigns& signs, trace::Sink* trace) {
  train::HostState& host = state.host();
  return {ranks.world,
          run.dir.checkpoints(),
          run.attempt,
          host.tensors(),
          host.division(),
          save_policy(run.recipe, mean_time_between_failures(run.dir, run.attempt, ranks.nodes())),
          provenance_of(run, hardware.resolved, loaded.adapter()),
          hooks_of(run, host, signs, trace)};
}

}  // namespace pst::app
