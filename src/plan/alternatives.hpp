// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "plan/prediction.hpp"

namespace pst::plan {

/// Another way to run the same recipe.
struct Alternative {
  Prediction prediction;
  std::vector<std::string>
      changes;            ///< as --set would write them: "train.micro_batch_size=2"; empty: the recipe itself
  bool same_bits = true;  ///< the steps stay the same steps: only the precision changes what is learned
};

/// Every sensible combination of nodes, micro batch, gradient checkpointing and precision: those that fit first, the
/// shortest first among them; equal times by node hours. @param nodes  to look at; empty: the recipe's and its powers
/// of two
std::vector<Alternative> alternatives(const Inputs& in, const Choice& chosen, const std::vector<int>& nodes);

/// For a choice that does not fit: what fits and changes least; nothing when no combination does.
std::optional<Alternative> smallest_change(const Inputs& in, const Choice& chosen);

/// The longest rows (data.max_length) that would fit with a micro batch of one row and gradient checkpointing; 0: none.
std::int64_t longest_that_fits(const Inputs& in, const Choice& chosen);

}  // namespace pst::plan
