#pragma once
#include <cstdint>

#include "plan/costs.hpp"

namespace pst::plan {

/// How the model is laid over the ranks. Only `replicate` exists; the others have their place here.
enum class Placement { replicate };

/// What a plan may vary while the recipe's result stays what it is: the rows of a step do not change.
struct Choice {
  int nodes = 1, ranks_per_node = 1, threads = 1;
  int micro_batch = 1;
  bool recompute = false;  ///< gradient checkpointing
  Dtype dtype = Dtype::f32;
  Placement placement = Placement::replicate;
  std::int64_t ranks() const { return std::int64_t{nodes} * ranks_per_node; }
  bool operator==(const Choice&) const = default;
};

}  // namespace pst::plan
