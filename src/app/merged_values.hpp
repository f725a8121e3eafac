// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "adapters/merged_folder.hpp"
#include "families/spec.hpp"
#include "nn/causal_lm.hpp"

namespace pst::app {

/// Tells what an adapter changes of a model: made before the adapter is in it, asked when it is.
class Unadapted {
 public:
  explicit Unadapted(nn::CausalLm& model);

  struct Changes {
    std::vector<adapters::MergedValues> values;
    std::optional<adapters::MergedValues> own_head;  ///< of a head that was the embedding, and no longer is
  };
  /// All matrices, biases, norms and rows that are not the base's. They read from `model`, and from `base`, which
  /// outlive them.
  /// @param base  the same model without an adapter, where matrices are codes in it: all of them are then among the
  ///              values. Null: the file has the base's values
  /// @throws Error(usage) for a layer that would need a bias for which the model's files have no place
  Changes changes(nn::CausalLm& model, const families::ModelSpec& spec, nn::CausalLm* base) const;

 private:
  std::vector<const nn::Linear*> linears_;
  const nn::Embedding* embedding_;
};

}  // namespace pst::app
