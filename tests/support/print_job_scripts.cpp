// SPDX-License-Identifier: Apache-2.0
// Writes the job scripts of recipes on a site, one for each of its partitions:
//   print_job_scripts SITES SITE OUT RECIPE...      (SITES: folder of the profiles)
// A recipe that is too large for the site is made to fit first, as its user would; "fitted" then says so.
#include <algorithm>
#include <iostream>

#include "cluster/job_script.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "site/limits.hpp"
#include "site/load_profile.hpp"

namespace pst {
namespace {

void fit(recipe::Slurm& slurm, const site::Site& site) {
  const auto* partition = site::partition_for(site, slurm.partition, slurm.qos);
  if (partition == nullptr) return;
  if (const auto most = site::most_nodes(*partition)) {
    if (slurm.nodes + slurm.spares > *most) slurm.spares = 0;
    slurm.nodes = std::min(slurm.nodes, *most);
  }
  if (!site::can_choose_nodes(site.launcher)) slurm.spares = 0;
  if (const auto has = partition->gpus_per_node; has && slurm.gpus_per_node.value_or(0) > *has)
    slurm.gpus_per_node = slurm.ranks_per_node = *has;
  if (const auto has = partition->cpus_per_node; has && slurm.cpus_per_rank)
    slurm.cpus_per_rank = std::min(*slurm.cpus_per_rank, std::max(1, *has / slurm.ranks_per_node));
  if (const auto most = site::longest_time_s(*partition, slurm.nodes + slurm.spares))
    if (config::slurm_seconds(slurm.time).value_or(*most + 1) > *most) slurm.time = config::slurm_time(*most);
}

int run(const std::vector<std::string>& words) {
  const fs::path sites = words.at(0), out = words.at(2);
  const auto site = site::load(sites / (words.at(1) + ".yaml"), {sites});
  if (site.scheduler == site::Scheduler::none) {
    std::cout << "no Slurm\n";
    return 0;
  }
  make_directories(out);
  std::vector<std::optional<std::string>> partitions = {std::nullopt};
  for (const auto& partition : site.partitions) partitions.emplace_back(partition.name);
  for (std::size_t i = 3; i < words.size(); ++i) {
    const auto recipe = recipe::load(words[i]);
    for (const auto& partition : partitions) {
      recipe::Slurm slurm = recipe.slurm;
      slurm.partition = partition;
      slurm.account = "project";
      const std::string before = cat(slurm.nodes, slurm.spares, slurm.ranks_per_node, slurm.gpus_per_node.value_or(0),
                                     slurm.cpus_per_rank.value_or(0), slurm.time);
      fit(slurm, site);
      const std::string after = cat(slurm.nodes, slurm.spares, slurm.ranks_per_node, slurm.gpus_per_node.value_or(0),
                                    slurm.cpus_per_rank.value_or(0), slurm.time);
      const fs::path file = out / cat(recipe.name, "-", partition.value_or("default"), ".sh");
      write_durably(file, cluster::job_script({.name = recipe.name,
                                               .slurm = slurm,
                                               .site = site,
                                               .run_dir = "/nowhere/runs/" + recipe.name,
                                               .program = "/nowhere/peft-studio",
                                               .exports = {"HOME", "PATH"}}));
      std::cout << file.filename().string() << (before == after ? "" : " fitted") << '\n';
    }
  }
  return 0;
}

}  // namespace
}  // namespace pst

int main(int argc, char** argv) {
  try {
    return pst::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
