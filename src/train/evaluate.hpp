// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "train/trainer.hpp"

namespace pst::train {

/// Mean loss over the validation set's labelled tokens, micro batches dealt to the ranks in turn. No dropout.
/// @param step  optimizer steps done, for the record
EvalRecord evaluate(const Parts& parts, const Settings& settings, std::int64_t step);

}  // namespace pst::train
