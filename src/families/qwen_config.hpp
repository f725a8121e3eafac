// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "families/decoder_config.hpp"

namespace pst::families {

/// Windows as the configs of Qwen 2 and 3 have them: from layer `max_window_layers` on, where `use_sliding_window` says
/// so, or by `layer_types`.
void read_qwen_windows(const json::Object& config, ModelSpec& model);

}  // namespace pst::families
