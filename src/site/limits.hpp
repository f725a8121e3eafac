// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "site/site.hpp"

namespace pst::site {

/// What a job asks a site for, without regard to who wrote it down.
struct Request {
  int nodes = 1;  ///< spare ones included
  int ranks_per_node = 1;
  std::optional<int> cpus_per_rank, gpus_per_node;
  std::optional<std::string> memory, account, partition, qos;
  std::string time;
};

/// The one that the names mean, or the default one when neither is given; nullptr when the profile lists no such.
const Partition* partition_for(const Site& site, const std::optional<std::string>& partition,
                               const std::optional<std::string>& qos);

/// The longest time of a job of so many nodes, in seconds; nothing when none is known. Zero: too many nodes.
std::optional<std::int64_t> longest_time_s(const Partition& partition, int nodes);

/// The most nodes of a job; nothing when no limit is known.
std::optional<int> most_nodes(const Partition& partition);

/// How long before a job's limit Slurm is to send the warning: for two checkpoints and then some, or as long as the
/// site says, but at most a third of the time. Nothing without a limit, or for less than 3 s.
/// @param checkpoint_s  what one takes, once the run has made some
std::optional<int> warning_seconds(std::optional<std::int64_t> limit_s, const Signal& signal = {},
                                   std::optional<double> checkpoint_s = {});

/// Every reason why the site would refuse or never start the job, each a sentence with its remedy.
std::vector<std::string> objections(const Site& site, const Request& request);

}  // namespace pst::site
