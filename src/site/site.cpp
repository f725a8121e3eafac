// SPDX-License-Identifier: Apache-2.0
#include "site/site.hpp"

#include <algorithm>

#include "config/fields.hpp"
#include "config/slurm_words.hpp"
#include "site/profile_text_checks.hpp"

namespace pst::site {

std::vector<std::pair<const char*, Tested>> words_of(Tested) {
  return {{"run-there", Tested::run_there}, {"documentation", Tested::documentation}, {"probed", Tested::probed}};
}
std::vector<std::pair<const char*, Scheduler>> words_of(Scheduler) {
  return {{"slurm", Scheduler::slurm}, {"none", Scheduler::none}};
}
std::vector<std::pair<const char*, AskedBy>> words_of(AskedBy) {
  return {{"partition", AskedBy::partition}, {"qos", AskedBy::qos}};
}
std::vector<std::pair<const char*, GpuRequest>> words_of(GpuRequest) {
  return {{"gpus_per_node", GpuRequest::gpus_per_node}, {"gres", GpuRequest::gres}, {"none", GpuRequest::none}};
}
std::vector<std::pair<const char*, Launcher>> words_of(Launcher) {
  return {{"srun_pmix", Launcher::srun_pmix},
          {"srun_pmi2", Launcher::srun_pmi2},
          {"srun_cray_shasta", Launcher::srun_cray_shasta},
          {"mpirun", Launcher::mpirun},
          {"ibrun", Launcher::ibrun}};
}
std::vector<std::pair<const char*, Exclusive>> words_of(Exclusive) {
  return {{"never", Exclusive::never}, {"several_nodes", Exclusive::several_nodes}, {"always", Exclusive::always}};
}
std::vector<std::pair<const char*, ContainerKind>> words_of(ContainerKind) {
  return {{"none", ContainerKind::none}, {"apptainer", ContainerKind::apptainer}, {"pyxis", ContainerKind::pyxis}};
}
std::vector<std::pair<const char*, PreemptMode>> words_of(PreemptMode) {
  return {{"unknown", PreemptMode::unknown},
          {"requeue", PreemptMode::requeue},
          {"cancel", PreemptMode::cancel},
          {"off", PreemptMode::off}};
}
std::vector<std::pair<const char*, WarningSignal>> words_of(WarningSignal) {
  return {{"USR1", WarningSignal::usr1}, {"USR2", WarningSignal::usr2}};
}

namespace {

using config::Absent;
constexpr int kMany = 1'000'000;

config::Constraint time_limit() {
  return config::text_that("a time limit in one of Slurm's forms, such as 90, 01:30:00 or 2-12:00:00",
                           [](std::string_view text) { return config::slurm_seconds(text).has_value(); });
}

/// config::non_empty() would ask it of a list, and not of the texts in it.
config::Constraint some_text() {
  return config::text_that("non-empty", [](std::string_view text) { return !text.empty(); });
}

config::Constraint memory_size() {
  return config::text_that("a number with K, M, G or T, such as 480G; 0 is all of a node", config::is_slurm_memory);
}

template <class Enum>
const char* word_for(Enum value) {
  for (const auto& [word, candidate] : words_of(Enum{}))
    if (candidate == value) return word;
  return "?";
}

}  // namespace

void bind(config::Fields& field, TimeStep& s) {
  field("nodes_up_to", &s.nodes_up_to, config::between(1, kMany), "Largest job that this limit is for.");
  field("time", &s.time, time_limit(), "Its longest time.");
}

void bind(config::Fields& field, Partition& s) {
  field.required("name", &s.name, config::directive_word(), "As `slurm.partition` of a recipe names it.");
  field("asked_by", &s.asked_by, "Whether the job asks for it by `--partition=<name>` or by `--qos=<name>`.");
  field("default", &s.is_default, "Taken when the recipe names none. A partition without company needs no mark.");
  field("qos", &s.qos, Absent::null, config::directive_word(), "`--qos` of its jobs, unless the recipe has one.");
  field("constraint", &s.constraint, Absent::null, config::directive_word(),
        "`--constraint` of its jobs, unless the recipe has one.");
  field("max_nodes", &s.max_nodes, Absent::null, config::between(1, kMany), "Most nodes of a job.");
  field("max_time", &s.max_time, Absent::null, time_limit(), "Longest time of a job.");
  field("max_time_by_nodes", &s.max_time_by_nodes, config::Need::optional,
        "Longest time where it depends on the number of nodes, ascending; the last entry also limits the nodes.");
  field("max_node_time", &s.max_node_time, Absent::null, time_limit(), "Most of nodes times time of a job.");
  field("gpus_per_node", &s.gpus_per_node, Absent::null, config::between(0, 1024), "GPUs that Slurm sees on a node.");
  field("gpu_type", &s.gpu_type, Absent::null, config::directive_word(),
        "Their type, for people and for `plan`: A100-40.");
  field("cpus_per_node", &s.cpus_per_node, Absent::null, config::between(1, kMany),
        "Cores of a node that a job may have. Asking for more would leave it in the queue forever.");
  field("memory_per_node", &s.memory_per_node, Absent::null, memory_size(), "Memory of a node that a job may have.");
}

void bind(config::Fields& field, Match& s) {
  field("host", &s.host, regular_expression(),
        "Extended regular expressions (as of `grep -E`), any of which is found in the host's name.");
  field("environment", &s.environment, regular_expression(),
        "Variables, each with a regular expression that is found in its value. Any one of all these is enough.");
}

void bind(config::Fields& field, Gpus& s) {
  field("request", &s.request,
        "How a job asks for GPUs: `--gpus-per-node=N`, `--gres=<gres>:N`, or `none` where every node has them anyway.");
  field("gres", &s.gres, config::directive_word(),
        "Name for `--gres`, with a type where the site wants one: gpu:a100.");
  field("bind", &s.bind, Absent::null, config::directive_word(),
        "`srun --gpu-bind=`. `none`: every rank sees every GPU of its node, which NCCL needs to reach peers directly, "
        "and "
        "takes the one of its local rank; `null`: left to Slurm. A rank that sees a single GPU takes that.");
  field("cuda", &s.cuda,
        "`false` where the GPUs are not NVIDIA's: the worker's GPU module is CUDA's, and recipes that want a GPU are "
        "refused.");
}

void bind(config::Fields& field, Cpus& s) {
  field("bind", &s.bind, Absent::null, config::directive_word(), "`srun --cpu-bind=`, such as cores or map_cpu:49,57.");
  field("hint", &s.hint, Absent::null, config::directive_word(), "`sbatch --hint=`, such as nomultithread.");
}

void bind(config::Fields& field, Container& s) {
  field("kind", &s.kind, "What the workers run in. The supervisor stays on the host, where `scontrol` is.");
  field("image", &s.image, Absent::null, some_text(), "Image for Apptainer (a file) or Pyxis.");
  field("flags", &s.flags, one_option(), "Further options, such as --nv. Only Apptainer's.");
  field(
      "binds", &s.binds, some_text(),
      "Folders of the host to be seen inside, `from[:to]`. The run's folder is always one; models and data have to lie "
      "below one of these.");
  field("worker", &s.worker, Absent::null, some_text(),
        "Path of peft-studio-worker inside; `null`: the same as outside, which then has to be bound.");
}

void bind(config::Fields& field, Requeue& s) {
  field("allowed", &s.allowed,
        "Whether a job may go back into the queue. `false`: `--no-requeue`, and a run that needs more time ends there, "
        "to "
        "be continued with `peft-studio resume`.");
  field(
      "on_node_failure", &s.on_node_failure,
      "Whether Slurm itself requeues a job that lost a node. A fact for the reader; the script does not depend on it.");
  field("preempt_mode", &s.preempt_mode,
        "What Slurm does to a preempted job. A fact for the reader: with `cancel`, `resume` has to be called by hand.");
}

void bind(config::Fields& field, Signal& s) {
  field("name", &s.name, "Signal that announces the end of the time. USR1 is used inside some NCCL versions.");
  field("lead_s", &s.lead_s, Absent::automatic, config::between(1, 65'535),
        "How long before the end; `auto`: 150 s. At most a third of the job's time in any case.");
}

void bind(config::Fields& field, Cost& s) {
  field("node_hour", &s.node_hour, Absent::null, config::at_least(0), "Price of a node hour.");
  field("currency", &s.currency, config::directive_word(), "Of the price: EUR, CHF, USD, SU.");
  field("idle_w", &s.idle_w, Absent::null, config::at_least(0), "Power of an idle node, in watts.");
  field("busy_w", &s.busy_w, Absent::null, config::at_least(0), "Power of a node at work, in watts.");
  field("carbon_g_per_kwh", &s.carbon_g_per_kwh, Absent::null, config::at_least(0),
        "Carbon dioxide for a kilowatt hour at the site, in grams.");
}

void bind(config::Fields& field, Site& s) {
  field.required("name", &s.name, profile_name(), "As `slurm.site` of a recipe names it; the file is `<name>.yaml`.");
  field("title", &s.title, "For people.");
  field("inherits", &s.inherits, Absent::null, profile_name(),
        "Profile that this one changes: keys stand in place of the parent's, sections are merged, lists are replaced. "
        "Its "
        "own name means the one of the next folder in the search order.");
  field("sources", &s.sources, some_text(), "Where the facts are from.");
  field("tested", &s.tested,
        "`run-there`; `documentation`: taken from public documentation and not run there; or `probed`: drafted by "
        "`site probe`.");
  field("scheduler", &s.scheduler, "`none`: a machine by itself, on which `peft-studio train` is used.");
  field("match", &s.match, "How `slurm.site: auto` knows the site.");
  field("account_required", &s.account_required, "Whether every job names an account.");
  field("partitions", &s.partitions, config::Need::optional,
        "Queues with their limits. Others may be used as well; nothing is known of them here.");
  field("gpus", &s.gpus, "How GPUs are asked for.");
  field("cpus", &s.cpus, "How cores are bound.");
  field("memory", &s.memory, Absent::null, memory_size(), "Memory of a node to ask for where the recipe says nothing.");
  field("exclusive", &s.exclusive, "When nodes are shared with no other job.");
  field("launcher", &s.launcher, "What starts the workers in a job.");
  field("extra_sbatch", &s.extra_sbatch, one_option(), "Further directives, each `--name` or `--name=value`.");
  field("extra_srun", &s.extra_srun, one_option(),
        "Further arguments of the launcher, each `--name` or `--name=value`.");
  field("modules", &s.modules, config::directive_word(), "Loaded in this order at the start of the job.");
  field("setup", &s.setup, some_text(),
        "Lines of bash that run at the start of the job, as they are: whoever writes a profile is trusted.");
  field("environment", &s.environment, "Variables of the job, for the fabric for example. Values are taken literally.");
  field("export", &s.exports, exported_name(),
        "Variables that the job takes over from the submitting shell besides the usual ones; `NAME_*` takes all that "
        "begin so. Nothing whose name hints at a secret.");
  field("scratch", &s.scratch, Absent::null, scratch_path(),
        "Folder of each node by itself, for temporary files: the job's TMPDIR. May name variables: /mnt/bb/$USER.");
  field("container", &s.container, "What the workers run in.");
  field("requeue", &s.requeue, "Going back into the queue.");
  field("signal", &s.signal, "The warning before the time is over.");
  field("cost", &s.cost, "For `plan` and `report`.");
  field("secrets_file", &s.secrets_file, Absent::null, some_text(),
        "As `slurm.secrets_file` of a recipe, which comes first.");
}

const char* name_of(Launcher launcher) { return word_for(launcher); }

const char* name_of(Tested tested) {
  switch (tested) {
    case Tested::run_there: return "run there";
    case Tested::documentation: return "from public documentation, not run there";
    case Tested::probed: return "drafted by a probe, not run there";
  }
  return "?";
}

bool uses_srun(Launcher launcher) {
  return launcher == Launcher::srun_pmix || launcher == Launcher::srun_pmi2 || launcher == Launcher::srun_cray_shasta;
}

bool can_choose_nodes(Launcher launcher) { return launcher != Launcher::ibrun; }

}  // namespace pst::site
