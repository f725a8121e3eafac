#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
  std::string mpi = "pmix";  ///< srun --mpi=<this>
};

void bind(config::Fields& field, Slurm& s);

bool is_slurm_time(std::string_view text);  ///< "90", "90:00", "01:30:00", "2-12", "2-12:30", "2-12:30:00", "UNLIMITED"
std::optional<std::int64_t> slurm_seconds(std::string_view text);  ///< of such a text; nothing for UNLIMITED
bool is_slurm_memory(std::string_view text);                       ///< "16000", "16G"

}  // namespace pst::recipe
