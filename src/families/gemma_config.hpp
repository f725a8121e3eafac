// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "families/decoder_config.hpp"

namespace pst::families {

/// What all Gemmas have in common.
DecoderOptions gemma_options();
/// With the norms around both parts of a layer that Gemma 2 and 3 have.
DecoderOptions gemma_sandwich_options();

/// read_decoder(), embeddings scaled by the root of their width, and any "gelu" the approximation with tanh.
ModelSpec read_gemma(const json::Object& config, const DecoderOptions& options);

/// Scores divided by the root of `query_pre_attn_scalar`, by default 256; the last logits capped.
/// @param cap  of the logits, where the key is missing; 0: none
void read_gemma_scales(const json::Object& config, ModelSpec& model, double cap);

/// A cap that may be null for none. @param absent  0: none
double read_cap(const json::Object& config, const char* key, double absent);

}  // namespace pst::families
