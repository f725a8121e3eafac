// SPDX-License-Identifier: Apache-2.0
#include "app/hardware.hpp"

#include "app/gpu_group.hpp"
#include "app/gpus.hpp"
#include "app/out_of_memory.hpp"
#include "ops/torch_exec.hpp"

namespace pst::app {

Hardware open_hardware(const Run& run, const Ranks& ranks) {
  const DeviceTaken device = open_gpus(ranks, run.dir, run.attempt, run.recipe);
  Hardware hardware;
  comm::together(ranks.world, "settling what the recipe leaves open", [&] {
    hardware.resolved =
        resolve(run.recipe, run.model, ranks.world, ranks.local_size, device, attempt_that_ran_out(run.dir));
  });
  ops::set_threads(hardware.resolved.threads);
  hardware.gpus = gpu_group(ranks.world, hardware.resolved.device, run.dir, run.attempt);
  return hardware;
}

}  // namespace pst::app
