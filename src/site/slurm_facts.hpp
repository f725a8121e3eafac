// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "site/site.hpp"

namespace pst::site {

/// A partition as Slurm describes it. Where its nodes differ, the least of each.
struct PartitionFacts {
  std::string name;
  bool is_default = false;
  std::optional<std::string> max_time;
  std::optional<int> max_nodes;
  int nodes = 0, cpus_per_node = 0, gpus_per_node = 0;
  long memory_mb = 0;
  std::string gpu_type;  ///< of its GRES, such as a100; empty when it has none
};

/// What Slurm's commands say about a site.
struct SlurmFacts {
  std::string cluster, version, preempt_mode, host;
  bool requeues = true;
  bool gpu_options = true;  ///< select/cons_tres, which --gpus-per-node needs
  std::vector<std::string> mpi_types;
  std::vector<PartitionFacts> partitions;

  const PartitionFacts* find(const std::string& name) const;
};

/// For `sinfo --noheader --format=`: what read_sinfo() understands.
inline constexpr const char* kSinfoFormat = "%P|%l|%s|%D|%c|%m|%G";

// Each reads one command's output; lines that it does not understand are passed over.
void read_sinfo(std::string_view text, SlurmFacts& facts);       ///< sinfo --noheader --format=kSinfoFormat
void read_config(std::string_view text, SlurmFacts& facts);      ///< scontrol show config
void read_mpi_list(std::string_view text, SlurmFacts& facts);    ///< srun --mpi=list
void read_partitions(std::string_view text, SlurmFacts& facts);  ///< scontrol show partition --oneliner, after sinfo

/// A profile made from them, as commented YAML with only what differs from the defaults.
std::string draft(const SlurmFacts& facts, const std::string& name);

/// Where a profile and Slurm contradict each other, each a sentence.
std::vector<std::string> differences(const Site& site, const SlurmFacts& facts);

}  // namespace pst::site
