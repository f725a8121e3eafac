#pragma once
#include <optional>
#include <string>

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
  std::string mpi = "pmix";  ///< srun --mpi=<this>
};

}  // namespace pst::recipe
