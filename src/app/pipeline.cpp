// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline.hpp"

#include "app/hardware.hpp"
#include "app/journal.hpp"
#include "app/loaded_model.hpp"
#include "app/node_checks.hpp"
#include "app/out_of_memory.hpp"
#include "app/profiling.hpp"
#include "app/result.hpp"
#include "app/run.hpp"
#include "app/run_observer.hpp"
#include "app/run_saver.hpp"
#include "app/stop_signal.hpp"
#include "app/training_state.hpp"
#include "ops/allocator.hpp"
#include "recipe/expert_balance.hpp"
#include "train/trainer.hpp"

namespace pst::app {
namespace {

void train_with(const Hardware& hardware, const Run& run, const Ranks& ranks, VitalSigns& signs) {
  Journal journal(run.dir, run.attempt, ranks, hardware.resolved, run.model);

  // 3. The frozen model and the adapter around its layers.
  bool odd = false;
  LoadedModel loaded(run, hardware, ranks, [&] {
    odd = !odd;
    signs.enter(odd ? heartbeat::Phase::studying : heartbeat::Phase::starting);
  });
  journal.model_loaded(loaded.parameters().size());

  // 4. Where a former start of this run left off.
  TrainingState state(run, hardware, ranks, loaded.parameters(), loaded.adapter().hook());
  const train::TrainState begin = state.start();

  // 5. Training, saved behind its back.
  Profiling profiling(run.recipe.profile, run.dir, run.attempt, ranks);
  RunObserver observer(run, ranks.world, signs, journal, profiling);
  train::Saver saver = run_saver(run, hardware, ranks, loaded, state, signs, profiling.sink());
  saver.restored(begin.step);
  const std::unique_ptr<objective::Objective> objective =
      objective::cross_entropy(run.recipe.train.label_smoothing_factor);
  const train::Parts parts{.model = loaded.model(),
                           .objective = *objective,
                           .parameters = loaded.parameters(),
                           .training = run.training,
                           .validation = run.validation ? &*run.validation : nullptr,
                           .group = ranks.world,
                           .gradients = hardware.devices(ranks),
                           .shares = state.shares(),
                           .optimizer = state.optimizer(),
                           .kept = state.kept(),
                           .saver = saver,
                           .restore_newest = [&] { return state.restore_newest(); },
                           .observer = observer,
                           .hook = loaded.adapter().hook()};
  train::Settings settings = train::settings_of(run.recipe, hardware.resolved.recompute);
  settings.balance = recipe::balance_factor(run.recipe.train, run.model);
  const train::TrainState end = train::fit(parts, settings, begin);
  profiling.end();

  // 6. The result: written by rank 0 once every rank has agreed, completed.json last of all.
  signs.enter(heartbeat::Phase::finishing);
  state.gather_result();
  compare_replicas(ranks.world, loaded.parameters());
  journal.flush();
  write_result(run, ranks, loaded.adapter(), end);
  journal.end(end);
}

}  // namespace

void train(const std::filesystem::path& run_directory, int attempt, const Ranks& ranks, VitalSigns& signs) {
  ops::use_tensor_arena();
  listen_for_stop();
  preflight(ranks, rundir::RunDir(run_directory), attempt);

  // 1. What is to be done: the effective recipe, the model's config, the prepared data.
  const Run run = read_run(run_directory, attempt, ranks.world);

  // 2. What it is done with: devices, precision, threads.
  const Hardware hardware = open_hardware(run, ranks);
  try {
    train_with(hardware, run, ranks, signs);
  } catch (const std::exception& error) {
    if (const auto miss = as_out_of_memory(error))
      throw after_running_out(*miss, run, hardware.resolved, ranks.world.size());
    throw;
  }
}

}  // namespace pst::app
