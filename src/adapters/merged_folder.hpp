// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "families/spec.hpp"
#include "weights/place.hpp"

namespace pst::adapters {

/// Values of a model that a merge writes anew: a matrix [out, in], or a vector where `in` is 1.
struct MergedValues {
  std::string name;  ///< the spec's: model.layers.0.self_attn.q_proj.weight
  weights::Place place;
  std::int64_t out = 0, in = 1;
  std::function<std::vector<float>()> merged;     ///< f32, by rows
  std::function<std::vector<float>()> base = {};  ///< the same without the adapter; null: what the file has
};
/// Of a tensor with that name that has nothing else in it.
MergedValues whole(const std::string& name, std::int64_t out, std::int64_t in);

struct Merge {
  std::filesystem::path from, to;
  const families::ModelSpec& model;
  std::vector<MergedValues> values;
  /// The head of a model whose head was its embedding, when it no longer is: `place` is not looked at.
  std::optional<MergedValues> own_head = {};
};

/// What became of updates in the rounding to the file's dtype.
struct Rounding {
  std::int64_t updated = 0;                     ///< values that the adapter changes, in f32
  std::int64_t lost = 0;                        ///< those of them that have the base's value all the same
  double update_squares = 0, lost_squares = 0;  ///< of the updates, and of what is missing or too much of them
};

/// Writes `from` with those values into `to`, each rounded once to the dtype of its tensor: the same files, in the same
/// order, all other tensors and files as they were. A quantised folder becomes numbers, in the embedding's dtype.
/// @param merge.to  must not exist, or be an empty folder; becomes visible when it is complete
/// @throws Error(usage) when `to` is in use, Error(data) for values that are codes in `from`, Error(io)
Rounding write_merged_folder(const Merge& merge);

}  // namespace pst::adapters
