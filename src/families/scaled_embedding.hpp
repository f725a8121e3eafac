// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

namespace pst::families {

/// Where ModelSpec::embedding_scale is applied: whether transformers' module of the embedding multiplies by it itself,
/// or the model does so with what the module gives. Who changes the module's output, as NEFTune does, has to know.
bool embedding_scales_itself(std::string_view model_type);

}  // namespace pst::families
