// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <string_view>

#include "config/slurm_variables.hpp"
#include "config/slurm_words.hpp"
#include "core/strings.hpp"
#include "site/load_profile.hpp"
#include "site/profile_text_checks.hpp"

namespace pst::site {
namespace {

/// Directives that the job script writes from recipe and profile. Twice in a script, the later one would win.
const std::vector<std::string>& own_directives() {
  static const std::vector<std::string> kNames = {
      "job-name",      "output",      "open-mode", "nodes",   "ntasks",    "ntasks-per-node", "cpus-per-task",
      "gpus-per-node", "gres",        "mem",       "time",    "account",   "partition",       "qos",
      "constraint",    "reservation", "nodelist",  "exclude", "exclusive", "requeue",         "no-requeue",
      "no-kill",       "signal",      "export",    "hint",    "array",     "dependency",      "wrap",
      "error",         "input",       "chdir",     "wait",    "test-only", "parsable"};
  return kNames;
}

/// Arguments that cluster/launch writes.
const std::vector<std::string>& own_arguments() {
  static const std::vector<std::string> kNames = {
      "mpi",           "nodes",    "ntasks",   "ntasks-per-node", "kill-on-bad-exit", "input",
      "unbuffered",    "output",   "nodelist", "job-name",        "overlap",          "no-kill",
      "cpus-per-task", "gpu-bind", "cpu-bind", "multi-prog",      "container-image",  "container-mounts"};
  return kNames;
}

class Checker {
 public:
  Checker(const Site& site, const config::Places& places, config::Problems& problems)
      : site_(site), places_(places), problems_(problems) {}

  void partitions() {
    int defaults = 0;
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < site_.partitions.size(); ++i) {
      const Partition& partition = site_.partitions[i];
      const std::string at = cat("partitions[", i, "]");
      if (!partition.name.empty() && !names.insert(partition.name).second)
        add(at + ".name", cat("partition ", partition.name, " is listed twice"));
      if (partition.is_default && ++defaults == 2) add(at + ".default", "there are two default partitions; mark one");
      if (partition.asked_by == AskedBy::qos && partition.qos)
        add(at + ".qos", cat(at, ".qos: ", partition.name, " is asked for by its own name as QOS; remove one"));
      if (partition.max_time && !partition.max_time_by_nodes.empty())
        add(at + ".max_time", cat(at, " has max_time and max_time_by_nodes; keep one"));
      if (partition.max_nodes && !partition.max_time_by_nodes.empty())
        add(at + ".max_nodes", cat(at, " has max_nodes and max_time_by_nodes, whose last entry says it; keep one"));
      for (std::size_t j = 1; j < partition.max_time_by_nodes.size(); ++j)
        if (partition.max_time_by_nodes[j].nodes_up_to <= partition.max_time_by_nodes[j - 1].nodes_up_to)
          add(cat(at, ".max_time_by_nodes[", j, "].nodes_up_to"),
              cat(at, ".max_time_by_nodes: the numbers of nodes must ascend"));
    }
  }

  void options() {
    const auto refuse_own = [&](const char* key, const std::vector<std::string>& options,
                                const std::vector<std::string>& own, const char* who) {
      for (std::size_t i = 0; i < options.size(); ++i) {
        const std::string name(option_name(options[i]));
        if (std::find(own.begin(), own.end(), name) != own.end())
          add(cat(key, "[", i, "]"), cat(key, "[", i, "] is ", quoted(options[i]), ", which ", who,
                                         " itself: leave it out, and set the key of the profile or of slurm in the "
                                         "recipe that is meant for it "
                                         "(`peft-studio site --help`, docs/sites.md)"));
      }
    };
    refuse_own("extra_sbatch", site_.extra_sbatch, own_directives(), "the job script writes");
    refuse_own("extra_srun", site_.extra_srun, own_arguments(), "the launch writes");
    for (std::size_t i = 0; i < site_.extra_sbatch.size(); ++i)
      if (option_name(site_.extra_sbatch[i]) == "clusters")
        add(cat("extra_sbatch[", i, "]"),
            cat("extra_sbatch[", i,
                "] sends jobs to a cluster that squeue and scancel are not asked about; set the "
                "variable SLURM_CLUSTERS in your shell instead, which every command is given"));
  }

  void environment() {
    for (const char* const key : {"environment", "match.environment"}) {
      const auto& variables = key[0] == 'e' ? site_.environment : site_.match.environment;
      for (const auto& [name, value] : variables) {
        if (config::is_variable_name(name)) continue;
        add(key, cat(key, ": ", quoted(name), " is no name of a variable"));
      }
    }
    for (const auto& [name, value] : site_.environment)
      for (const char* const own : {"PATH", "HOME", "BASH_ENV", "ENV", "SLURM_EXPORT_ENV"})
        if (name == own)
          add("environment", cat("environment.", name, " would break the job; use `setup` or `modules`"));
    for (const auto& [name, value] : site_.environment)
      if (!config::is_given("srun", name))
        add("environment", cat("environment.", name, " is not given to srun; write the option itself as extra_srun"));
  }

  void container() {
    const Container& container = site_.container;
    if (container.kind == ContainerKind::none) {
      if (container.image) add("container.image", "container.image is given, and container.kind is none");
      return;
    }
    if (!container.image) add("container.kind", cat("container.kind needs container.image"));
    if (container.kind == ContainerKind::pyxis && !uses_srun(site_.launcher))
      add("container.kind", "container.kind is pyxis, which is a plugin of srun; use a launcher srun_...");
    if (container.kind == ContainerKind::pyxis && !container.flags.empty())
      add("container.flags", "container.flags are Apptainer's; write Pyxis' options as extra_srun");
    for (std::size_t i = 0; i < container.binds.size(); ++i)
      if (container.binds[i].find(',') != std::string::npos || container.binds[i].front() != '/')
        add(cat("container.binds[", i, "]"),
            cat("container.binds[", i, "] is ", quoted(container.binds[i]),
                "; it must be an absolute path without a comma, or two with a colon between"));
  }

  void setup() {
    for (std::size_t i = 0; i < site_.setup.size(); ++i)
      if (site_.setup[i].ends_with("\\"))
        add(cat("setup[", i, "]"), cat("setup[", i, "] ends in a backslash and would swallow the line behind it"));
  }

  void scheduler() {
    if (site_.scheduler == Scheduler::none && !site_.partitions.empty())
      add("scheduler", "scheduler is none, and there are partitions");
  }

 private:
  void add(const std::string& path, const std::string& what) {
    if (!places_.is_wrong(path)) problems_.add(places_.of(path), what);
  }
  const Site& site_;
  const config::Places& places_;
  config::Problems& problems_;
};

}  // namespace

void check_together(const Site& site, const config::Places& places, config::Problems& problems) {
  Checker checker(site, places, problems);
  checker.partitions();
  checker.options();
  checker.environment();
  checker.container();
  checker.setup();
  checker.scheduler();
}

}  // namespace pst::site
