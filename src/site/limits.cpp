// SPDX-License-Identifier: Apache-2.0
#include "site/limits.hpp"

#include <algorithm>
#include <cmath>

#include "config/slurm_words.hpp"
#include "core/strings.hpp"

namespace pst::site {
namespace {

using config::slurm_seconds;

/// "1-91 nodes", "up to 8 nodes": those that the same limit of time holds for.
std::string range_of(const Partition& partition, int nodes) {
  int from = 1;
  for (const auto& step : partition.max_time_by_nodes) {
    if (nodes <= step.nodes_up_to) return cat(from, "-", step.nodes_up_to, step.nodes_up_to == 1 ? " node" : " nodes");
    from = step.nodes_up_to + 1;
  }
  return "any number of nodes";
}

/// What would get the longer time: "92-183 nodes may run for 06:00:00". Empty when nothing does.
std::string larger_jobs_get(const Partition& partition, int nodes, std::int64_t wanted_s) {
  int from = 1;
  for (const auto& step : partition.max_time_by_nodes) {
    if (from > nodes && slurm_seconds(step.time).value_or(0) >= wanted_s)
      return cat(" (", from, "-", step.nodes_up_to, " nodes may run for ", step.time, ")");
    from = step.nodes_up_to + 1;
  }
  return "";
}

class Objector {
 public:
  Objector(const Site& site, const Request& request)
      : site_(site), request_(request), partition_(partition_for(site, request.partition, request.qos)) {}

  std::vector<std::string> all() {
    account();
    if (partition_ == nullptr) return found_;
    nodes();
    time();
    gpus();
    cpus();
    memory();
    return found_;
  }

 private:
  std::string here() const { return cat("partition ", partition_->name, " of ", site_.name); }

  void account() {
    if (site_.account_required && !request_.account)
      found_.push_back(cat(site_.name,
                           " wants an account for every job; set slurm.account (or $SBATCH_ACCOUNT) to your "
                           "project's"));
  }

  void nodes() {
    const auto most = most_nodes(*partition_);
    if (most && request_.nodes > *most)
      found_.push_back(cat(here(), " takes jobs of at most ", *most, *most == 1 ? " node" : " nodes",
                           ", and slurm.nodes + slurm.spares is ", request_.nodes,
                           "; ask for fewer, or name another "
                           "partition"));
  }

  void time() {
    const auto most = longest_time_s(*partition_, request_.nodes);
    if (!most || *most == 0) return;  // 0: nodes() has said it
    const auto wanted = slurm_seconds(request_.time);
    if (wanted && *wanted <= *most) return;
    const std::string longest = config::slurm_time(*most);
    found_.push_back(cat(here(), " allows ", longest, " for ", limit_words(), ", and slurm.time is ", request_.time,
                         "; set it to at most ", longest,
                         larger_jobs_get(*partition_, request_.nodes, wanted.value_or(*most + 1)),
                         ": a run that needs longer goes on in the next job"));
  }

  std::string limit_words() const {
    if (!partition_->max_time_by_nodes.empty()) return range_of(*partition_, request_.nodes);
    return partition_->max_node_time ? cat(request_.nodes, request_.nodes == 1 ? " node" : " nodes") : "a job";
  }

  void gpus() {
    const auto& has = partition_->gpus_per_node;
    if (!has || !request_.gpus_per_node || *request_.gpus_per_node <= *has) return;
    found_.push_back(*has == 0
                         ? cat(here(), " has no GPUs, and slurm.gpus_per_node is ", *request_.gpus_per_node,
                               "; leave it out, or name another partition")
                         : cat("a node of ", here(), " has ", *has, *has == 1 ? " GPU" : " GPUs",
                               ", and slurm.gpus_per_node is ", *request_.gpus_per_node, "; set it to at most ", *has));
  }

  void cpus() {
    const auto& has = partition_->cpus_per_node;
    if (!has || !request_.cpus_per_rank) return;
    const std::int64_t wanted = std::int64_t{request_.ranks_per_node} * *request_.cpus_per_rank;
    if (wanted <= *has) return;
    const int fitting = *has / request_.ranks_per_node;
    found_.push_back(cat("a node of ", here(), " gives a job ", *has, " cores, and slurm.ranks_per_node x ",
                         "slurm.cpus_per_rank is ", wanted, "; set ",
                         fitting > 0 ? cat("slurm.cpus_per_rank to at most ", fitting) : "fewer slurm.ranks_per_node"));
  }

  void memory() {
    const auto& has = partition_->memory_per_node;
    if (!has || !request_.memory) return;
    const auto most = config::slurm_megabytes(*has), wanted = config::slurm_megabytes(*request_.memory);
    if (!most || !wanted || *wanted <= *most) return;
    found_.push_back(cat("a node of ", here(), " gives a job ", *has, " of memory, and slurm.mem is ", *request_.memory,
                         "; ask for less"));
  }

  const Site& site_;
  const Request& request_;
  const Partition* partition_;
  std::vector<std::string> found_;
};

}  // namespace

const Partition* partition_for(const Site& site, const std::optional<std::string>& partition,
                               const std::optional<std::string>& qos) {
  const auto find = [&](auto holds) -> const Partition* {
    const auto found = std::find_if(site.partitions.begin(), site.partitions.end(), holds);
    return found == site.partitions.end() ? nullptr : &*found;
  };
  if (partition) return find([&](const Partition& p) { return p.name == *partition; });
  if (qos)
    if (const auto* by_qos = find([&](const Partition& p) { return p.asked_by == AskedBy::qos && p.name == *qos; }))
      return by_qos;
  if (site.partitions.size() == 1) return &site.partitions.front();
  return find([](const Partition& p) { return p.is_default; });
}

std::optional<int> most_nodes(const Partition& partition) {
  if (!partition.max_time_by_nodes.empty()) return partition.max_time_by_nodes.back().nodes_up_to;
  return partition.max_nodes;
}

std::optional<std::int64_t> longest_time_s(const Partition& partition, int nodes) {
  std::optional<std::int64_t> most;
  const auto at_most = [&](std::int64_t seconds) { most = most ? std::min(*most, seconds) : seconds; };
  if (partition.max_time) at_most(slurm_seconds(*partition.max_time).value_or(0));
  if (partition.max_node_time) at_most(slurm_seconds(*partition.max_node_time).value_or(0) / std::max(1, nodes));
  if (!partition.max_time_by_nodes.empty()) {
    const auto step = std::find_if(partition.max_time_by_nodes.begin(), partition.max_time_by_nodes.end(),
                                   [&](const TimeStep& candidate) { return nodes <= candidate.nodes_up_to; });
    at_most(step == partition.max_time_by_nodes.end() ? 0 : slurm_seconds(step->time).value_or(0));
  }
  return most;
}

std::optional<int> warning_seconds(std::optional<std::int64_t> limit_s, const Signal& signal,
                                   std::optional<double> checkpoint_s) {
  // 90 s and two checkpoints. What one takes is not known before the first; half a minute is long for an adapter.
  constexpr double kUnknownCheckpoint_s = 30, kMost_s = 3600;
  const auto lead_s = static_cast<std::int64_t>(
      std::ceil(90 + 2 * std::clamp(checkpoint_s.value_or(kUnknownCheckpoint_s), 0.0, kMost_s)));
  if (!limit_s || *limit_s < 3) return std::nullopt;
  return static_cast<int>(std::min<std::int64_t>(signal.lead_s ? *signal.lead_s : lead_s, *limit_s / 3));
}

std::vector<std::string> objections(const Site& site, const Request& request) { return Objector(site, request).all(); }

}  // namespace pst::site
