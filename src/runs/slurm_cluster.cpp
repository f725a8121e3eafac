// SPDX-License-Identifier: Apache-2.0
#include "runs/slurm_cluster.hpp"

#include <cstdlib>

#include "core/strings.hpp"
#include "json/record.hpp"

namespace pst::runs {

std::string cluster_asked() {
  for (const char* name : {"SLURM_CLUSTERS", "SLURM_CLUSTER_NAME"})
    if (const char* const value = std::getenv(name); value != nullptr && *value != '\0') return value;
  return {};
}

std::string cluster_of_job(const rundir::RunDir& run) {
  std::string cluster;
  for (const auto& event : run.read_events())
    if (json::text_of(event, "event") == "submitted") cluster = json::text_of(event, "cluster");
  return cluster;
}

std::string on_another_cluster(const std::string& of_job, const std::string& asked) {
  const std::string here = asked.empty() ? std::string("not set") : shell_quoted(asked);
  return cat("its job was submitted ",
             of_job.empty() ? std::string("without SLURM_CLUSTERS") : cat("with SLURM_CLUSTERS=", shell_quoted(of_job)),
             ", which is ", here, " in this shell; this is what the run's folder says");
}

}  // namespace pst::runs
