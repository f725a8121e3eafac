// SPDX-License-Identifier: Apache-2.0
#include "recipe/slurm_section.hpp"

#include "config/fields.hpp"
#include "recipe/text_checks.hpp"

namespace pst::recipe {

void bind(config::Fields& field, Slurm& s) {
  using config::Absent;
  constexpr int kMany = 100'000;
  field("nodes", &s.nodes, config::between(1, kMany), "Nodes of the job.");
  field("ranks_per_node", &s.ranks_per_node, config::between(1, 1024),
        "Worker processes on each; with GPUs, one for each GPU.");
  field("cpus_per_rank", &s.cpus_per_rank, Absent::automatic, config::between(1, kMany),
        "Cores of a rank (`--cpus-per-task`); `auto`: left to Slurm.");
  field("gpus_per_node", &s.gpus_per_node, Absent::null, config::between(1, 1024), "GPUs to ask for on every node.");
  field("mem", &s.mem, Absent::null, config::text_that("a number with K, M, G or T, such as 16G", is_slurm_memory),
        "Memory of a node; `null`: what the site's profile says, else the partition's default.");
  field("time", &s.time,
        config::text_that("a time limit in one of Slurm's forms, such as 90, 01:30:00 or 2-12:00:00", is_slurm_time),
        "Time limit: minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes, "
        "days-hours:minutes:seconds.");
  field("account", &s.account, Absent::null, directive_word(),
        "Account to charge; `null`: `$SBATCH_ACCOUNT`, or Slurm's default.");
  field("partition", &s.partition, Absent::null, directive_word(),
        "Partition; `null`: the default one of the site's profile, or Slurm's.");
  field("qos", &s.qos, Absent::null, directive_word(),
        "Quality of service; `null`: what the site's profile has for the partition.");
  field("constraint", &s.constraint, Absent::null, directive_word(),
        "Node features to ask for, in place of those that the site's profile has for the partition.");
  field("reservation", &s.reservation, Absent::null, directive_word(), "Reservation to run in.");
  field("nodelist", &s.nodelist, Absent::null, directive_word(), "Nodes that must be among the job's.");
  field("exclude", &s.exclude, Absent::null, directive_word(), "Nodes that must not be.");
  field("exclusive", &s.exclusive,
        "Share the nodes with no other job, even where the site's profile does not ask for it.");
  field("spares", &s.spares, config::between(0, kMany), "Nodes to ask for beyond `nodes`, to replace one that dies.");
  field("shrink", &s.shrink,
        "Go on with half of the nodes when too few are left; the result has the same bits. `false`: requeue.");
  field("max_restarts", &s.max_restarts, config::between(0, kMany),
        "How often the workers are started again before the run is given up.");
  field("mpi", &s.mpi, Absent::automatic, directive_word(),
        "How srun starts the ranks (`srun --mpi=`); `auto`: the site's launcher.");
  field("site", &s.site, path(),
        "Profile of the site ([sites.md](sites.md)): its name, or a file; `auto`: the one that fits this host, else "
        "`generic`.");
  field("secrets_file", &s.secrets_file, Absent::null, path(),
        "File of `NAME=value` lines, mode 0600: variables of the workers' environment that stand neither in the job "
        "script nor in Slurm's database.");
}

}  // namespace pst::recipe
