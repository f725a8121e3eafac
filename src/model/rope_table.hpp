// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "ops/attention.hpp"
#include "weights/model_config.hpp"

namespace pst::model {

/// Angles position * theta^(-2i/d), with llama3's stretching of the low frequencies when the config asks for it.
/// Frequencies and angles are f32 products, as in transformers, so that far positions agree with it.
/// @see Su et al. 2021, arXiv:2104.09864; transformers modeling_rope_utils, rope_type "llama3"
ops::RopeTable make_rope_table(const weights::ModelConfig& config, std::int64_t positions);

}  // namespace pst::model
