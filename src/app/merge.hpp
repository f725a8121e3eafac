// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>

#include "adapters/merged_folder.hpp"
#include "requests/merge_request.hpp"

namespace pst::app {

/// Logits of the merged folder beside those of base and adapter, on some tokens, in f32.
struct MergeCheck {
  std::int64_t tokens = 0, same_choice = 0;  ///< same_choice: of how many the most likely next token is the same
  double moved = 0;                          ///< largest change of a logit by the adapter
  double apart = 0;                          ///< largest difference between merged and adapted
  double size = 0;                           ///< largest of the adapted logits
};

struct MergeResult {
  adapters::Rounding rounding;
  bool head_is_own = false;  ///< it was the embedding before
  std::optional<MergeCheck> check;
};

/// Writes the model with the adapter in its weights. @throws Error(usage) for an adapter that cannot be merged,
/// Error(data) for files that do not fit, Error(io)
MergeResult merge(const requests::MergeRequest& request);

/// `peft-studio-worker merge`: merge(), and on standard output what came of it.
void merge_and_tell(const requests::MergeRequest& request);

}  // namespace pst::app
