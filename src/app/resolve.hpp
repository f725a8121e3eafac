#pragma once
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "nn/causal_lm.hpp"
#include "recipe/recipe.hpp"
#include "weights/model_config.hpp"

namespace pst::app {

/// A value that was `auto`, or was given, and why it is what it is.
struct Decision {
  std::string key, value, reason;
};

/// What the recipe left to the machine, decided by rank 0 for all, so that every rank computes the same bits.
struct Resolved {
  bool bf16 = false;
  nn::Recompute recompute = nn::Recompute::nothing;
  int threads = 1;
  recipe::Strategy strategy = recipe::Strategy::replicate;  ///< never `automatic`
  std::vector<Decision> decisions;
};

/// @param ranks_here  ranks that share this machine. Collective.
/// @throws Error(usage) for what this build cannot do (device: cuda)
Resolved resolve(const recipe::Recipe& recipe, const weights::ModelConfig& config, comm::Communicator& world,
                 int ranks_here);

}  // namespace pst::app
