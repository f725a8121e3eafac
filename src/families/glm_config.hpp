// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "families/decoder_config.hpp"

namespace pst::families {

/// What GLM-4 0414 and the GLM before it have in common: neighbours turn in half of each head; gate and up are one
/// product.
DecoderOptions glm_options(const json::Object& config);

}  // namespace pst::families
