// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <unistd.h>

#include "cluster/container.hpp"
#include "cluster/encode.hpp"
#include "cluster/launch.hpp"
#include "cluster/slurm_job.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

using site::Launcher;
using Words = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

void append(Words& words, Words more) {
  for (auto& word : more) words.push_back(std::move(word));
}

const char* mpi_of(Launcher launcher) {
  switch (launcher) {
    case Launcher::srun_pmi2: return "pmi2";
    case Launcher::srun_cray_shasta: return "cray_shasta";
    case Launcher::srun_pmix:
    case Launcher::mpirun:
    case Launcher::ibrun: break;
  }
  return "pmix";
}

/// The layout of one attempt.
struct Layout {
  int nodes, ranks_per_node;
  int ranks() const { return nodes * ranks_per_node; }
};

Words srun(const InJob& how, const rundir::RunDir& run, int attempt, const Layout& layout, const Words& chosen) {
  const recipe::Slurm& slurm = how.slurm;
  Words argv = {
      "srun",
      cat("--mpi=", slurm.mpi.value_or(mpi_of(how.site.launcher))),
      cat("--nodes=", layout.nodes),
      cat("--ntasks=", layout.ranks()),
      cat("--ntasks-per-node=", layout.ranks_per_node),
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
  if (how.site.cpus.bind) argv.push_back("--cpu-bind=" + *how.site.cpus.bind);
  // "none", the default: every rank sees every GPU of its node, which NCCL needs to reach peers directly.
  if (slurm.gpus_per_node && how.site.gpus.bind) argv.push_back("--gpu-bind=" + *how.site.gpus.bind);
  append(argv, how.site.extra_srun);
  append(argv, srun_container_arguments(how.site.container, run));
  return argv;
}

/// Open MPI's, within the job. It starts its daemons on the other nodes by a step of srun.
Words mpirun(const InJob& how, const Layout& layout, const Words& chosen, const Variables& variables) {
  Words argv = {"mpirun",    "-n",  cat(layout.ranks()), "--map-by", cat("ppr:", layout.ranks_per_node, ":node"),
                "--bind-to", "none"};  // it would pin each rank, with all its threads, to a single core
  if (!chosen.empty()) {
    Words hosts;
    for (const auto& node : chosen) hosts.push_back(cat(node, ":", layout.ranks_per_node));
    append(argv, {"--host", join(hosts, ",")});
  }
  for (const auto& [name, value] : how.site.environment) append(argv, {"-x", name});
  for (const auto& [name, value] : variables) append(argv, {"-x", name});  // only names: others see our arguments
  if (::geteuid() == 0) argv.emplace_back("--allow-run-as-root");
  append(argv, how.site.extra_srun);
  return argv;
}

/// What srun would have told the ranks by itself. Its own variables are about the step that the launcher's daemons run
/// in.
Variables variables_without_srun(const InJob& how, const Layout& layout) {
  Variables variables = {{"PST_RANKS", cat(layout.ranks())},
                         {"SLURM_OVERLAP", "1"}};  // the launcher's own srun, beside the watcher's step
  if (how.slurm.cpus_per_rank) variables.emplace("OMP_NUM_THREADS", cat(*how.slurm.cpus_per_rank));
  return variables;
}

/// TACC's: a script around the MPI at hand. It takes the layout from the job, and signals would end it rather than
/// reach the ranks, which hear by their heartbeats that they are to stop.
Words ibrun(const InJob& how, const Layout& layout) {
  Words argv = {"env", "--ignore-signal=USR2", "ibrun", "-n", cat(layout.ranks()), "-o", "0"};
  append(argv, how.site.extra_srun);
  return argv;
}

}  // namespace

Launch launch_in_job(const InJob& how, const rundir::RunDir& run, int attempt, const std::filesystem::path& worker,
                     const Words& chosen) {
  const Layout layout = {chosen.empty() ? how.slurm.nodes : static_cast<int>(chosen.size()), how.slurm.ranks_per_node};
  const bool by_srun = how.slurm.mpi || site::uses_srun(how.site.launcher);
  const std::string launcher = by_srun ? "srun" : site::name_of(how.site.launcher);
  Variables variables = how.secrets;
  if (!by_srun) variables.merge(variables_without_srun(how, layout));
  Words argv = by_srun                                 ? srun(how, run, attempt, layout, chosen)
               : how.site.launcher == Launcher::mpirun ? mpirun(how, layout, chosen, variables)
                                                       : ibrun(how, layout);
  append(argv, container_command(how.site.container, run));
  append(argv, worker_arguments(how.site.container.worker.value_or(worker.string()),
                                {.run = run.root().string(), .attempt = attempt}));
  return {.launcher = launcher,
          .ranks = layout.ranks(),
          .polite_signal = by_srun ? SIGTERM : SIGUSR2,  // at SIGTERM mpirun kills its ranks within a second
          .child = {.argv = std::move(argv),
                    .remedy_when_missing =
                        by_srun ? "this node lacks Slurm's commands on the job's PATH; ask the site, or train without "
                                  "Slurm: `peft-studio train`"
                                : cat("the profile of the site ", how.site.name, " says that jobs are started by ",
                                      launcher, "; load its module there (`modules`), or correct `launcher`"),
                    .output = run.attempt(attempt) / (by_srun ? "srun.log" : "ranks.log"),
                    .environment = std::move(variables)}};
}

}  // namespace pst::cluster
