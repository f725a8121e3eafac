// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "config/slurm_words.hpp"

namespace pst::config {
class Fields;
}

namespace pst::recipe {

struct Slurm {
  int nodes = 1;
  int ranks_per_node = 1;
  std::optional<int> cpus_per_rank;
  std::optional<int> gpus_per_node;
  std::optional<std::string> mem;  ///< of a node, as Slurm writes it: 16G
  std::string time = "01:00:00";
  std::optional<std::string> account, partition, qos, constraint, reservation, nodelist, exclude;
  bool exclusive = false;
  int spares = 0;
  bool shrink = true;
  int max_restarts = 100;
  std::optional<std::string> mpi;           ///< srun --mpi=<this>, whatever the site's launcher
  std::string site = "auto";                ///< a profile's name or file; "auto": the one whose `match` fits
  std::optional<std::string> secrets_file;  ///< NAME=value lines for the workers' environment
};

void bind(config::Fields& field, Slurm& s);

using config::is_slurm_memory;
using config::is_slurm_time;
using config::slurm_seconds;

}  // namespace pst::recipe
