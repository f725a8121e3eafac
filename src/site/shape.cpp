// SPDX-License-Identifier: Apache-2.0
#include "site/shape.hpp"

#include <algorithm>
#include <set>

#include "config/slurm_words.hpp"
#include "core/strings.hpp"
#include "site/limits.hpp"

namespace pst::site {
namespace {

/// What a node needs to serve all partitions: the largest of each, and plenty of what the profile does not tell.
struct Node {
  int cpus = 1, gpus = 0;
  std::int64_t memory_mb = 1'000'000;
  std::set<std::string> features;
};

Node node_for(const Site& site) {
  Node node;
  for (const auto& partition : site.partitions) {
    node.cpus = std::max(node.cpus, partition.cpus_per_node.value_or(256));
    node.gpus = std::max(node.gpus, partition.gpus_per_node.value_or(8));
    if (partition.memory_per_node)
      node.memory_mb = std::max(node.memory_mb, config::slurm_megabytes(*partition.memory_per_node).value_or(0));
    if (!partition.constraint) continue;
    std::string feature;
    for (const char c : *partition.constraint + "&") {
      if (std::string_view("&|,()[]*").find(c) == std::string_view::npos) {
        feature += c;
      } else if (!feature.empty()) {
        node.features.insert(std::exchange(feature, {}));
      }
    }
  }
  if (site.partitions.empty()) node = {.cpus = 256, .gpus = 8, .memory_mb = 1'000'000, .features = {}};
  return node;
}

}  // namespace

std::string slurm_conf_of(const Site& site, int nodes) {
  const Node node = node_for(site);
  const bool has_gres = node.gpus > 0 && site.gpus.request != GpuRequest::none;
  std::string out = cat("# In the shape of the site ", site.name, ", nodes on paper only.\n",
                        "SuspendProgram=/bin/true\nResumeProgram=/bin/true\nSuspendTime=3600\n");
  if (has_gres) out += "GresTypes=gpu\n";
  out += cat("NodeName=", nodes == 1 ? "p1" : cat("p[1-", nodes, "]"), " CPUs=", node.cpus,
             " RealMemory=", node.memory_mb);
  if (has_gres) {
    const auto colon = site.gpus.gres.find(':');
    out += cat(" Gres=gpu", colon == std::string::npos ? "" : site.gpus.gres.substr(colon), ":", node.gpus);
  }
  if (!node.features.empty()) out += " Features=" + join({node.features.begin(), node.features.end()}, ",");
  out += " State=CLOUD\n";
  bool has_default = false;
  const auto add = [&](const std::string& name, bool is_default, std::optional<std::int64_t> longest_s,
                       std::optional<int> most_nodes) {
    out += cat("PartitionName=", name, " Nodes=ALL State=UP Default=", is_default ? "YES" : "NO",
               " MaxTime=", longest_s ? config::slurm_time(*longest_s) : "INFINITE");
    if (most_nodes) out += cat(" MaxNodes=", std::min(*most_nodes, nodes));
    out += '\n';
    has_default = has_default || is_default;
  };
  for (const auto& partition : site.partitions) {
    if (partition.asked_by == AskedBy::qos) continue;  // their jobs are in the partition below
    // Where the time depends on the nodes, a plugin of the site sees to it: the longest is the partition's.
    add(partition.name, partition.is_default || site.partitions.size() == 1,
        longest_time_s(partition, partition.max_time_by_nodes.empty() ? 1 : *most_nodes(partition)),
        most_nodes(partition));
  }
  if (!has_default) add("of_the_site", true, std::nullopt, std::nullopt);
  return out;
}

}  // namespace pst::site
