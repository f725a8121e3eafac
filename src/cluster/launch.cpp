#include "cluster/launch.hpp"

#include <unistd.h>

#include <algorithm>

#include "cluster/encode.hpp"
#include "cluster/slurm_job.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

std::vector<std::string> worker_arguments(const rundir::RunDir& run, int attempt, const std::filesystem::path& worker) {
  return {worker.string(), "train", "--run", run.root().string(), "--attempt", std::to_string(attempt)};
}

}  // namespace

Launch srun_launch(const recipe::Slurm& slurm, const rundir::RunDir& run, int attempt,
                   const std::filesystem::path& worker, const std::vector<std::string>& chosen) {
  const int nodes = chosen.empty() ? slurm.nodes : static_cast<int>(chosen.size());
  const int ranks = nodes * slurm.ranks_per_node;
  std::vector<std::string> argv = {
      "srun",
      cat("--mpi=", slurm.mpi),
      cat("--nodes=", nodes),
      cat("--ntasks=", ranks),
      cat("--ntasks-per-node=", slurm.ranks_per_node),
      "--kill-on-bad-exit=1",  // a site's default may be 0, and then the other ranks wait for the dead one
      "--input=none",
      "--unbuffered",
      cat("--output=", slurm_pattern("the run's folder", run.attempt(attempt), "/rank-%4t.log")),
  };
  if (!chosen.empty()) {
    argv.push_back("--nodelist=" + join(chosen, ","));
    argv.push_back("--job-name=" + step_name(attempt));
    // Beside the watcher's step, and beside a former one that Slurm has not yet noticed to be dead.
    argv.push_back("--overlap");
    argv.push_back("--no-kill");  // whether a node is dead is ours to decide, and sooner
  }
  // Slurm 22.05 to 23.02: srun does not take --cpus-per-task over from the job.
  if (slurm.cpus_per_rank) argv.push_back(cat("--cpus-per-task=", *slurm.cpus_per_rank));
  // Every rank sees every GPU of its node, which NCCL needs to reach peers directly.
  if (slurm.gpus_per_node) argv.push_back("--gpu-bind=none");
  for (auto& argument : worker_arguments(run, attempt, worker)) argv.push_back(std::move(argument));
  return {.launcher = "srun",
          .ranks = ranks,
          .child = {.argv = std::move(argv),
                    .remedy_when_missing = "this node lacks Slurm's commands on the job's PATH; ask the site, or train "
                                           "without Slurm: `peft-studio train`",
                    .output = run.attempt(attempt) / "srun.log"}};
}

Launch local_launch(int ranks, int cores, const rundir::RunDir& run, int attempt, const std::filesystem::path& worker) {
  std::vector<std::string> argv;
  if (ranks > 1) {
    // Unbound: mpirun would otherwise pin each rank, with all its threads, to a single core.
    argv = {"mpirun", "-n", std::to_string(ranks), "--oversubscribe", "--bind-to", "none"};
    if (::geteuid() == 0) argv.push_back("--allow-run-as-root");
  }
  for (auto& argument : worker_arguments(run, attempt, worker)) argv.push_back(std::move(argument));
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
                                    {"OMP_NUM_THREADS", std::to_string(std::max(1, cores / ranks))}}}};
}

}  // namespace pst::cluster
