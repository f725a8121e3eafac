// SPDX-License-Identifier: Apache-2.0
// OLMo 2: norms behind attention and MLP, none before them.
#include "families/family.hpp"
#include "families/olmo_config.hpp"

namespace pst::families {
namespace {

/// @see transformers Olmo2Config
ModelSpec read(const json::Object& config) { return read_olmo(config, olmo_options(config, 10000)); }

}  // namespace

extern const Family kOlmo2;
const Family kOlmo2{"olmo2", "Olmo2ForCausalLM", &read};

}  // namespace pst::families
