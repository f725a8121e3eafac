// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>

#include "config/print.hpp"
#include "config/slurm_words.hpp"
#include "core/strings.hpp"
#include "site/load_profile.hpp"
#include "site/slurm_facts.hpp"

namespace pst::site {
namespace {

using config::Node;

template <class Section>
Node tree_of(Section section) {
  return config::write_section([&](config::Fields& fields) { bind(fields, section); });
}

/// `node` without what the defaults say already.
Node changed(const Node& node, const Node& defaults) {
  Node out = Node::map();
  for (const auto& entry : node.entries) {
    const Node* const usual = defaults.find(entry.key);
    if (usual != nullptr && config::to_flow(*usual) == config::to_flow(entry.value)) continue;
    Node value = entry.value;
    if (usual != nullptr && value.kind == Node::Kind::map && usual->kind == Node::Kind::map)
      value = changed(value, *usual);
    out.entries.push_back({entry.key, {}, std::move(value)});
  }
  return out;
}

Launcher launcher_for(const std::vector<std::string>& types) {
  const auto has = [&](const char* type) { return std::find(types.begin(), types.end(), type) != types.end(); };
  if (has("pmix")) return Launcher::srun_pmix;
  if (has("cray_shasta")) return Launcher::srun_cray_shasta;
  if (has("pmi2")) return Launcher::srun_pmi2;
  return Launcher::mpirun;
}

PreemptMode preempt_mode_for(const std::string& words) {
  if (words.find("requeue") != std::string::npos) return PreemptMode::requeue;
  if (words.find("cancel") != std::string::npos) return PreemptMode::cancel;
  return words == "off" ? PreemptMode::off : PreemptMode::unknown;
}

/// "login03" -> "^login[0-9]+$": the other login nodes are of the same site.
std::string expression_for(const std::string& host) {
  std::string out = "^";
  for (std::size_t i = 0; i < host.size(); ++i) {
    if (std::isdigit(static_cast<unsigned char>(host[i]))) {
      if (!out.ends_with("[0-9]+")) out += "[0-9]+";
    } else {
      if (std::string_view(".[{()\\*+?|^$").find(host[i]) != std::string_view::npos) out += '\\';
      out += host[i];
    }
  }
  return out + "$";
}

Partition partition_from(const PartitionFacts& facts) {
  Partition partition = {
      .name = facts.name, .is_default = facts.is_default, .max_nodes = facts.max_nodes, .max_time = facts.max_time};
  if (facts.cpus_per_node > 0) partition.cpus_per_node = facts.cpus_per_node;
  if (facts.memory_mb > 0) partition.memory_per_node = cat(facts.memory_mb, "M");
  if (facts.gpus_per_node > 0) partition.gpus_per_node = facts.gpus_per_node;
  if (!facts.gpu_type.empty() && config::directive_word().text(facts.gpu_type)) partition.gpu_type = facts.gpu_type;
  return partition;
}

std::string in_one_line(std::string text) {
  for (char& c : text)
    if (find_control(std::string_view(&c, 1))) c = ' ';
  return text.substr(0, 80);
}

}  // namespace

std::string draft(const SlurmFacts& facts, const std::string& name) {
  Site site;
  site.name = name;
  site.inherits = "generic";
  site.tested = Tested::probed;
  site.sources = {cat("sinfo, scontrol and srun of Slurm ", in_one_line(facts.version))};
  if (!facts.host.empty()) site.match.host = {expression_for(in_one_line(facts.host))};
  site.launcher = launcher_for(facts.mpi_types);
  site.requeue.allowed = facts.requeues;
  site.requeue.preempt_mode = preempt_mode_for(facts.preempt_mode);
  if (!facts.gpu_options) site.gpus.request = GpuRequest::gres;

  Node out = changed(tree_of(site), tree_of(Site{}));
  // The name may be that of the defaults; it stands there all the same.
  if (out.find("name") == nullptr) out.entries.insert(out.entries.begin(), {"name", {}, Node::string(name)});
  Node partitions = Node::list();
  for (const auto& partition : facts.partitions) {
    Node item = changed(tree_of(partition_from(partition)), tree_of(Partition{}));
    partitions.items.push_back(std::move(item));
  }
  if (!partitions.items.empty()) out.entries.push_back({"partitions", {}, std::move(partitions)});
  return cat(
      "# Drafted by `peft-studio site probe` on the cluster ", facts.cluster.empty() ? "?" : in_one_line(facts.cluster),
      ". Where nodes of a partition differ, the least is\n# given. What Slurm does not tell: whether an account is "
      "needed, "
      "modules, variables of the network, prices.\n# Put it into ~/.config/peft-studio/sites/",
      name, ".yaml, complete it (docs/sites.md), then: peft-studio site check ", name, "\n", config::to_yaml(out));
}

std::vector<std::string> differences(const Site& site, const SlurmFacts& facts) {
  std::vector<std::string> all;
  for (const auto& partition : site.partitions) {
    if (partition.asked_by == AskedBy::qos) continue;  // that is for slurmdbd to know
    const PartitionFacts* const is = facts.find(partition.name);
    if (is == nullptr) {
      std::vector<std::string> names;
      for (const auto& other : facts.partitions) names.push_back(other.name);
      all.push_back(cat("partition ", partition.name, " is not known to Slurm, which has: ", join(names, ", ")));
      continue;
    }
    const std::string here = "partition " + partition.name + ": ";
    if (partition.max_time && is->max_time &&
        config::slurm_seconds(*partition.max_time) > config::slurm_seconds(*is->max_time))
      all.push_back(cat(here, "max_time is ", *partition.max_time, ", and Slurm allows ", *is->max_time));
    if (partition.max_nodes && is->max_nodes && *partition.max_nodes > *is->max_nodes)
      all.push_back(cat(here, "max_nodes is ", *partition.max_nodes, ", and Slurm allows ", *is->max_nodes));
    if (partition.cpus_per_node && is->cpus_per_node > 0 && *partition.cpus_per_node > is->cpus_per_node)
      all.push_back(
          cat(here, "cpus_per_node is ", *partition.cpus_per_node, ", and its smallest node has ", is->cpus_per_node));
    if (partition.gpus_per_node.value_or(0) > is->gpus_per_node && site.gpus.request != GpuRequest::none)
      all.push_back(cat(here, "gpus_per_node is ", *partition.gpus_per_node, ", and Slurm hands out ",
                        is->gpus_per_node, " on its smallest node"));
    if (partition.is_default && !is->is_default)
      all.push_back(cat(here, "the default of the profile is not Slurm's own. That is allowed"));
  }
  if (site.gpus.request == GpuRequest::gpus_per_node && !facts.gpu_options)
    all.push_back(
        "gpus.request is gpus_per_node, which this Slurm does not know (SelectType is not select/cons_tres); use gres");
  const char* const type = site.launcher == Launcher::srun_pmix          ? "pmix"
                           : site.launcher == Launcher::srun_pmi2        ? "pmi2"
                           : site.launcher == Launcher::srun_cray_shasta ? "cray_shasta"
                                                                         : nullptr;
  if (type != nullptr && !facts.mpi_types.empty() &&
      std::find(facts.mpi_types.begin(), facts.mpi_types.end(), type) == facts.mpi_types.end())
    all.push_back(
        cat("launcher is ", name_of(site.launcher), ", and `srun --mpi=list` has: ", join(facts.mpi_types, ", ")));
  return all;
}

}  // namespace pst::site
