// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/gpus.hpp"
#include "comm/communicator.hpp"
#include "families/spec.hpp"
#include "nn/causal_lm.hpp"
#include "recipe/recipe.hpp"

namespace pst::app {

/// A value that was `auto`, or was given, and why it is what it is.
struct Decision {
  std::string key, value, reason;
};

/// What the recipe left to the machine, decided by rank 0 for all, so that every rank computes the same bits.
struct Resolved {
  at::Device device = at::kCPU;  ///< this rank's own
  bool bf16 = false;
  nn::Recompute recompute = nn::Recompute::nothing;
  int threads = 1;
  recipe::Strategy strategy = recipe::Strategy::replicate;  ///< never `automatic`
  std::vector<Decision> decisions;
};

/// @param ranks_here  ranks that share this machine;  device  this rank's, from open_gpus()
/// @param ran_out     the attempt that had too little memory without gradient checkpointing. Collective.
Resolved resolve(const recipe::Recipe& recipe, const families::ModelSpec& config, comm::Communicator& world,
                 int ranks_here, const DeviceTaken& device, std::optional<int> ran_out = {});

/// What decides the bits of the result, `auto` replaced by what was chosen on this machine.
std::map<std::string, std::string> keys_that_alter(const recipe::Recipe& recipe, const Resolved& resolved);

}  // namespace pst::app
