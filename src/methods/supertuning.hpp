// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>

namespace pst::methods {

/// The keys of `type: supertuning`. @see arXiv:2607.09287
struct Supertuning {
  double sparsity = 0.99;
  bool select_top = true;
  std::optional<int> r;
  std::optional<double> lora_alpha;
  double lora_dropout = 0;
  bool save_precomputed_indices = true;
};

}  // namespace pst::methods
