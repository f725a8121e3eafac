// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "cluster/job_script.hpp"

namespace pst::cluster::fixture {

/// A job that uses every key of the recipe's slurm section, on a site that adds nothing.
inline Job full_job() {
  Job job = {.name = "support-lora",
             .run_dir = "/scratch/runs/support-lora-7f3a",
             .program = "/opt/pst/bin/peft-studio",
             .exports = {"HOME", "LANG", "PATH"}};
  job.slurm = {.nodes = 2,
               .ranks_per_node = 4,
               .cpus_per_rank = 8,
               .gpus_per_node = 4,
               .mem = "64G",
               .time = "02:00:00",
               .account = "project-1",
               .partition = "gpu",
               .qos = "normal",
               .constraint = "a100&nvlink",
               .reservation = "class",
               .nodelist = "n[1-8]",
               .exclude = "n3",
               .exclusive = true};
  return job;
}

}  // namespace pst::cluster::fixture
