// SPDX-License-Identifier: Apache-2.0
#include "cluster/launch.hpp"

#include <unistd.h>

#include <algorithm>

#include "core/strings.hpp"

namespace pst::cluster {

std::vector<std::string> worker_arguments(const std::filesystem::path& worker, const requests::TrainRequest& request) {
  std::vector<std::string> argv = {worker.string(), "train"};
  for (auto& word : requests::words_of(request)) argv.push_back(std::move(word));
  return argv;
}

Launch local_launch(int ranks, LocalCores cores, const rundir::RunDir& run, int attempt,
                    const std::filesystem::path& worker) {
  std::vector<std::string> argv;
  if (ranks > 1) {
    // mpirun does not bind: it would otherwise pin each rank, with all its threads, to a single core.
    argv = {"mpirun", "-n", std::to_string(ranks), "--oversubscribe", "--bind-to", "none"};
    if (::geteuid() == 0) argv.push_back("--allow-run-as-root");
  }
  // Ranks bind by themselves, so that one rank without mpirun is bound alike.
  for (auto& word :
       worker_arguments(worker, {.run = run.root().string(), .attempt = attempt, .cores_per_rank = cores.per_rank}))
    argv.push_back(std::move(word));
  const int threads = cores.per_rank > 0 ? cores.per_rank : std::max(1, cores.all / ranks);
  return {.launcher = "local",
          .ranks = ranks,
          .polite_signal = ranks > 1 ? SIGUSR2 : SIGTERM,  // at SIGTERM mpirun kills its ranks within a second
          .child = {.argv = std::move(argv),
                    .remedy_when_missing = "install Open MPI, or use --ranks 1",
                    .output = run.attempt(attempt) / "ranks.log",
                    // All on one machine: keep MPI away from interfaces that a firewall or VPN may close.
                    .environment = {{"OMPI_MCA_btl", "self,vader,tcp"},
                                    {"OMPI_MCA_btl_tcp_if_include", "lo"},
                                    {"OMPI_MCA_oob_tcp_if_include", "lo"},
                                    {"OMP_NUM_THREADS", std::to_string(threads)}}}};
}

}  // namespace pst::cluster
