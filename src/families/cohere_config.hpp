// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "families/decoder_config.hpp"

namespace pst::families {

/// Command R: attention and MLP side by side behind one LayerNorm without bias, neighbours turn, logits are scaled.
/// @param theta, positions  where the keys are missing
ModelSpec read_cohere(const json::Object& config, double theta, std::int64_t positions);

}  // namespace pst::families
