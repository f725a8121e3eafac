// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pst::adapters {

struct Weighted {
  std::filesystem::path adapter;
  double weight = 1;
};

/// How updates w_1 D_1 + w_2 D_2 ... become one, D_i being scale * B A. @see PEFT's LoraModel.add_weighted_adapter
enum class Combination {
  cat,     ///< ranks add up, and so do updates, exactly
  linear,  ///< A = the sum of sign(w) sqrt|w| A_i and B = that of sqrt|w| B_i: not the sum of updates
  svd      ///< the sum of the updates, cut to a rank
};
std::vector<std::pair<const char*, Combination>> words_of(Combination);

/// Writes the combination of plain LoRA adapters of one model as a PEFT folder whose scale is 1. A layer that an
/// adapter does not have counts as not changed by it.
/// @param rank  of Combination::svd; nothing: the largest of the adapters'
/// @throws Error(usage) for fewer than two adapters, one that is not plain LoRA, ranks that differ where they may not,
///         or a folder `to` in use; Error(data) for layers of different sizes; Error(io)
void combine(const std::vector<Weighted>& adapters, Combination how, std::optional<std::int64_t> rank,
             const std::filesystem::path& to);

/// What a resized adapter has kept.
struct Resized {
  double kept = 1;                     ///< share of the sum of squares of the updates of all layers
  double worst_kept = 1;               ///< the same of the layer that lost most,
  std::string worst;                   ///< this one
  std::int64_t before = 0, after = 0;  ///< values
};

/// Writes a plain LoRA adapter with the best updates of a lower rank (Eckart and Young 1936).
/// @param rank    most of a layer
/// @param energy  of 1, the share of each layer's sum of squares that has to stay: layers that need a lower rank for it
///                get that
/// @throws as combine()
Resized resize(const std::filesystem::path& adapter, std::int64_t rank, double energy, const std::filesystem::path& to);

}  // namespace pst::adapters
