// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pst::methods {

/// The keys of `type: adalora`. @see Zhang et al. 2023, arXiv:2303.10512
struct Adalora {
  int init_r = 12, target_r = 8;
  double lora_alpha = 8, lora_dropout = 0;
  std::int64_t tinit = 0, tfinal = 0, deltaT = 1;
  double beta1 = 0.85, beta2 = 0.85, orth_reg_weight = 0.5;
  std::optional<std::int64_t> total_step;
  /// Of a trained adapter: which of the init_r directions each layer kept, by the name of its lora_E in the model.
  std::map<std::string, std::vector<bool>> rank_pattern = {};
};

}  // namespace pst::methods
