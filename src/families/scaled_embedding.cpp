// SPDX-License-Identifier: Apache-2.0
#include "families/scaled_embedding.hpp"

namespace pst::families {

// Those whose modeling_<type>.py has a ScaledWordEmbedding, of those with a scale.
bool embedding_scales_itself(std::string_view model_type) { return model_type.starts_with("gemma"); }

}  // namespace pst::families
