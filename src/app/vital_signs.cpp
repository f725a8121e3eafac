// SPDX-License-Identifier: Apache-2.0
#include "app/vital_signs.hpp"

#include <cstdlib>

#include "app/this_machine.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "heartbeat/stacks.hpp"
#include "rundir/run_dir.hpp"

namespace pst::app {
namespace {

/// Before MPI_Init only the launcher's variables know. mpirun's come first: inside a Slurm job it inherits Slurm's.
int rank_by_launcher() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"})
    if (const char* const text = std::getenv(name))
      if (const auto rank = to_int(text); rank && *rank >= 0 && *rank < (1 << 20)) return static_cast<int>(*rank);
  return 0;
}

}  // namespace

VitalSigns::VitalSigns(const std::filesystem::path& run, int attempt) {
  const auto file = rundir::RunDir(run).heartbeat_file(attempt);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return;
  heartbeat::prepare_stacks();
  doing("finding the supervisor", [&] {
    sender_.emplace(heartbeat::SenderSettings{.endpoint = heartbeat::read_endpoint(file),
                                              .attempt = attempt,
                                              .rank = rank_by_launcher(),
                                              .host = node_name()});
  });
}

}  // namespace pst::app
