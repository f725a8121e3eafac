// SPDX-License-Identifier: Apache-2.0
#include "app/result.hpp"

#include <span>
#include <string>

#include "app/this_machine.hpp"
#include "core/clock.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "families/tokenizer_pipeline.hpp"
#include "ops/torch_exec.hpp"
#include "rundir/lease.hpp"

namespace pst::app {

void compare_replicas(comm::Communicator& world, const nn::ParameterSet& parameters) {
  const at::Tensor here = parameters.flat().cpu();
  const std::string mine = digest(std::as_bytes(ops::view_of(here).as<float>()));
  comm::together(world, "comparing the ranks' adapters", [&, first = comm::broadcast_text(world, mine)] {
    if (mine != first)
      throw Error(Fault::unfit, cat("the adapter on ", host_name(), " differs from rank 0's"),
                  "this node's memory or CPU is suspect: leave it out with slurm.exclude and run again");
  });
}

void write_result(const Run& run, const Ranks& ranks, const peft::Adapter& adapter, const train::TrainState& state) {
  comm::together(ranks.world, "writing the result", [&] {
    if (!ranks.world.is_root()) return;
    rundir::check_generation(run.dir, run.attempt);
    adapter.save(run.dir.adapter(), run.record.model_path.string(),
                 families::pipeline_metadata(run.recipe.model.tokenizer));
    rundir::check_generation(run.dir, run.attempt);
    const bool is_best = recipe::keeps_best(run.recipe.train) && state.best.loss;
    run.dir.write_completed({.steps = state.step,
                             .adapter_digest = digest_of_file(run.dir.adapter() / "adapter_model.safetensors"),
                             .train_loss = state.last_loss,
                             .validation_loss_before = state.validation_before,
                             .validation_loss_after = is_best ? state.best.loss : state.validation_after,
                             .adapter_step = is_best ? std::optional(state.best.step) : std::nullopt,
                             .ended_early = state.ended_early,
                             .seconds = state.seconds,
                             .tokens = state.tokens,
                             .attempt = run.attempt,
                             .ranks = ranks.world.size(),
                             .finished = iso_time(unix_seconds())});
  });
}

}  // namespace pst::app
