// SPDX-License-Identifier: Apache-2.0
#include "cluster/placement.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "site/limits.hpp"

namespace pst::cluster {
namespace {

recipe::Slurm with_defaults(const recipe::Slurm& asked, const site::Site& site) {
  recipe::Slurm slurm = asked;
  if (const site::Partition* const partition = site::partition_for(site, asked.partition, asked.qos)) {
    if (partition->asked_by == site::AskedBy::qos) {
      slurm.partition.reset();
      slurm.qos = partition->name;
    } else {
      slurm.partition = partition->name;
      if (!slurm.qos) slurm.qos = partition->qos;
    }
    if (!slurm.constraint) slurm.constraint = partition->constraint;
  }
  if (!slurm.mem) slurm.mem = site.memory;
  const bool several = slurm.nodes + slurm.spares > 1;
  slurm.exclusive = slurm.exclusive || site.exclusive == site::Exclusive::always ||
                    (several && site.exclusive == site::Exclusive::several_nodes);
  return slurm;
}

std::vector<std::string> reasons_against(const recipe::Slurm& asked, const site::Site& site) {
  auto reasons = site::objections(site, {.nodes = asked.nodes + asked.spares,
                                         .ranks_per_node = asked.ranks_per_node,
                                         .cpus_per_rank = asked.cpus_per_rank,
                                         .gpus_per_node = asked.gpus_per_node,
                                         .memory = asked.mem,
                                         .account = asked.account,
                                         .partition = asked.partition,
                                         .qos = asked.qos,
                                         .time = asked.time});
  if (asked.spares > 0 && !site::can_choose_nodes(site.launcher))
    reasons.push_back(cat("slurm.spares is ", asked.spares, ", and the launcher of ", site.name, ", ",
                          site::name_of(site.launcher), ", always takes all nodes of a job; set it to 0"));
  return reasons;
}

}  // namespace

recipe::Slurm fit_to_site(const recipe::Slurm& asked, const site::Site& site) {
  if (site.scheduler == site::Scheduler::none)
    throw Error(Fault::usage, cat("the site profile ", site.name, " is one of a machine without Slurm"),
                "train here and now with `peft-studio train`, or name another profile: --set slurm.site=NAME");
  const auto reasons = reasons_against(asked, site);
  if (!reasons.empty())
    throw Error(
        Fault::usage,
        cat(join(reasons, "\n"), " (", reasons.size(), reasons.size() == 1 ? " problem" : " problems",
            ", nothing started)"),
        cat("change the recipe's slurm section; the limits are those of `peft-studio site show ", site.name, "`"));
  return with_defaults(asked, site);
}

bool outlives_a_node(const recipe::Slurm& slurm, const site::Site& site) {
  if (!site::can_choose_nodes(site.launcher)) return false;
  return slurm.spares > 0 || (slurm.shrink && slurm.nodes > 1 && slurm.nodes % 2 == 0);
}

}  // namespace pst::cluster
