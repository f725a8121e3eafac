// SPDX-License-Identifier: Apache-2.0
// GLM-4 9B: a GLM in transformers' own layout.
#include "families/family.hpp"
#include "families/glm_config.hpp"

namespace pst::families {
namespace {

/// @see transformers GlmConfig
ModelSpec read(const json::Object& config) { return read_decoder(config, glm_options(config)); }

}  // namespace

extern const Family kGlm;
const Family kGlm{"glm", "GlmForCausalLM", &read};

}  // namespace pst::families
