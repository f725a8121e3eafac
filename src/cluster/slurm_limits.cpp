// SPDX-License-Identifier: Apache-2.0
#include "cluster/slurm_limits.hpp"

#include <unistd.h>

#include <algorithm>

#include "cluster/capture.hpp"
#include "cluster/slurm.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

constexpr double kAnswerWithin_s = 20;

/// Its output when it succeeded. A question that has no answer here is no reason to stop.
std::optional<std::string> ask(std::vector<std::string> argv) {
  try {
    const Captured answer = capture({.argv = std::move(argv),
                                     .remedy_when_missing = kWithoutSlurm,
                                     .timeout_s = kAnswerWithin_s,
                                     .max_output = 8 << 20});
    return answer.status == 0 ? std::optional(answer.out) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// What stands between `begin` and the next blank.
std::optional<std::string> word_after(const std::string& text, std::string_view begin) {
  const auto at = text.find(begin);
  if (at == std::string::npos) return std::nullopt;
  const auto from = at + begin.size();
  return text.substr(from, text.find_first_of(" \t\n", from) - from);
}

/// "PartitionName=main AllowGroups=ALL ..."
Partition partition_of(const std::string& line) {
  Partition partition;
  for (const auto& field : split(trim(line), ' ')) {
    const auto equals = field.find('=');
    if (equals != std::string::npos) partition.values[field.substr(0, equals)] = field.substr(equals + 1);
  }
  partition.name = partition.value("PartitionName");
  return partition;
}

struct Refusal {
  const char* sign;  ///< in lower case
  const char* remedy;
};
constexpr Refusal kRefusals[] = {
    // First: its words name time and size as well.
    {"policy", "a limit of your account or QOS is in the way: sacctmgr show assoc user=$USER"},
    {"invalid partition", "sinfo lists the partitions; set slurm.partition to one of them"},
    {"account/partition",
     "set slurm.account and slurm.partition to a pair that you may use: sacctmgr show assoc user=$USER"},
    {"invalid account", "set slurm.account to one of yours: sacctmgr show assoc user=$USER"},
    {"invalid qos", "set slurm.qos to one that your account has: sacctmgr show assoc user=$USER format=account,qos"},
    {"time limit",
     "the partition's limit is shorter than slurm.time: sinfo -o '%P %l'; use a shorter one with --jobs N"},
    {"node count", "sinfo shows how many nodes the partition has; lower slurm.nodes (and slurm.spares)"},
    {"more processors", "lower slurm.cpus_per_rank or slurm.ranks_per_node to what a node has: sinfo -N -l"},
    {"memory", "lower slurm.mem to what a node has: sinfo -N -l"},
    {"invalid feature", "sinfo -o '%P %f' lists the features of the nodes; change slurm.constraint"},
    {"generic resource", "sinfo -o '%P %G' lists the GPUs of the nodes; change slurm.gpus_per_node"},
    {"gres", "sinfo -o '%P %G' lists the GPUs of the nodes; change slurm.gpus_per_node"},
    {"reservation", "scontrol show reservation lists them; change slurm.reservation"},
    {"node configuration",
     "no node has what one rank or node asks for: compare slurm.nodes, cpus_per_rank, gpus_per_node and mem with sinfo "
     "-N "
     "-l"},
    {"node name", "sinfo -N lists the nodes; change slurm.nodelist or slurm.exclude"},
    {"dependency", "the run to come after has left Slurm's queue: peft-studio status"},
    {"array", "the sweep has more runs than the site allows in an array: scontrol show config | grep MaxArraySize"},
};

}  // namespace

std::string remedy_for_refusal(const std::string& words) {
  const std::string small = lower(words);
  for (const auto& refusal : kRefusals)
    if (small.find(refusal.sign) != std::string::npos) return refusal.remedy;
  return "check the recipe's slurm section against what the site offers (sinfo)";
}

Trial try_out(const std::string& script) {
  const Captured answer = capture(
      {.argv = {"sbatch", "--test-only"}, .remedy_when_missing = kWithoutSlurm, .timeout_s = 60, .input = script});
  Trial trial{.accepted = answer.status == 0, .words = answer.words(), .start = {}, .where = {}};
  if (!trial.accepted && is_transient(trial.words)) refuse("sbatch --test-only", trial.words);
  if (!trial.accepted) return trial;
  trial.start = word_after(trial.words, "to start at ");
  if (const auto at = trial.words.find(" on nodes "); at != std::string::npos)
    trial.where = trial.words.substr(at + 1, trial.words.find('\n', at) - at - 1);
  return trial;
}

std::string Partition::value(const std::string& key) const {
  const auto found = values.find(key);
  return found == values.end() ? std::string() : found->second;
}

std::optional<Partition> partition(const std::optional<std::string>& name) {
  std::vector<std::string> argv = {"scontrol", "--oneliner", "show", "partition"};
  if (name) argv.push_back(*name);
  const auto lines = ask(std::move(argv));
  for (const auto& line : split(lines.value_or(""), '\n')) {
    const Partition found = partition_of(line);
    if (name ? found.name == *name : found.value("Default") == "YES") return found;
  }
  return std::nullopt;
}

std::optional<int> waiting_jobs(const std::string& partition) {
  const auto lines = ask({"squeue", "--noheader", "--states=PENDING", "--format=%i", "--partition=" + partition});
  if (!lines) return std::nullopt;
  return static_cast<int>(std::count(lines->begin(), lines->end(), '\n'));
}

std::optional<std::vector<std::string>> association_limits() {
  const auto config = ask({"scontrol", "show", "config"});
  if (!config || config->find("accounting_storage/slurmdbd") == std::string::npos) return std::nullopt;
  const auto lines = ask({"sacctmgr", "--noheader", "--parsable2", "show", "assoc", cat("user=", ::getuid()),
                          "format=Account,Partition,QOS,MaxWall,MaxTRES,GrpTRESMins,MaxJobs"});
  if (!lines) return std::nullopt;
  std::vector<std::string> limits;
  for (const auto& line : split(*lines, '\n'))
    if (!trim(line).empty()) limits.emplace_back(trim(line));
  return limits;
}

}  // namespace pst::cluster
