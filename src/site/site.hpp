// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pst::config {
class Fields;
}

/// What a job script has to know of the machine it is for: data, one file per site (docs/sites.md).
namespace pst::site {

enum class Tested { run_there, documentation, probed };
enum class Scheduler { slurm, none };
enum class AskedBy { partition, qos };
enum class GpuRequest { gpus_per_node, gres, none };
enum class Launcher { srun_pmix, srun_pmi2, srun_cray_shasta, mpirun, ibrun };
enum class Exclusive { never, several_nodes, always };
enum class ContainerKind { none, apptainer, pyxis };
enum class PreemptMode { unknown, requeue, cancel, off };
enum class WarningSignal { usr1, usr2 };

struct TimeStep {
  int nodes_up_to = 1;
  std::string time = "01:00:00";
};

/// One queue: limits, and what a node of it has.
struct Partition {
  std::string name;
  AskedBy asked_by = AskedBy::partition;
  bool is_default = false;
  std::optional<std::string> qos, constraint;
  std::optional<int> max_nodes;
  std::optional<std::string> max_time;
  std::vector<TimeStep> max_time_by_nodes;   ///< ascending
  std::optional<std::string> max_node_time;  ///< nodes x time
  std::optional<int> gpus_per_node, cpus_per_node;
  std::optional<std::string> gpu_type, memory_per_node;
};

struct Match {
  std::vector<std::string> host;                   ///< extended regular expressions, searched in the host's name
  std::map<std::string, std::string> environment;  ///< variable -> the like, searched in its value
};

struct Gpus {
  GpuRequest request = GpuRequest::gpus_per_node;
  std::string gres = "gpu";
  std::optional<std::string> bind = "none";
  bool cuda = true;  ///< they are NVIDIA's
};

struct Cpus {
  std::optional<std::string> bind, hint;
};

struct Container {
  ContainerKind kind = ContainerKind::none;
  std::optional<std::string> image;
  std::vector<std::string> flags, binds;
  std::optional<std::string> worker;  ///< path of peft-studio-worker in the image
};

struct Requeue {
  bool allowed = true;
  bool on_node_failure = true;
  PreemptMode preempt_mode = PreemptMode::unknown;
};

struct Signal {
  WarningSignal name = WarningSignal::usr2;
  std::optional<int> lead_s;
};

struct Cost {
  std::optional<double> node_hour;
  std::string currency = "EUR";
  std::optional<double> idle_w, busy_w;  ///< of a node
  std::optional<double> carbon_g_per_kwh;
};

struct Site {
  std::string name = "generic";
  std::string title;
  std::optional<std::string> inherits;
  std::vector<std::string> sources;
  Tested tested = Tested::documentation;
  Scheduler scheduler = Scheduler::slurm;
  Match match;
  bool account_required = false;
  std::vector<Partition> partitions;
  Gpus gpus;
  Cpus cpus;
  std::optional<std::string> memory;
  Exclusive exclusive = Exclusive::never;
  Launcher launcher = Launcher::srun_pmix;
  std::vector<std::string> extra_sbatch, extra_srun;
  std::vector<std::string> modules, setup;
  std::map<std::string, std::string> environment;
  std::vector<std::string> exports;  ///< names, or beginnings of names followed by *
  std::optional<std::string> scratch;
  Container container;
  Requeue requeue;
  Signal signal;
  Cost cost;
  std::optional<std::string> secrets_file;
};

void bind(config::Fields& field, Partition& s);
void bind(config::Fields& field, Site& s);

const char* name_of(Launcher launcher);
const char* name_of(Tested tested);
bool uses_srun(Launcher launcher);
/// Whether the workers can be started on some of the job's nodes only, which spares and shrinking need.
bool can_choose_nodes(Launcher launcher);

}  // namespace pst::site
