// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "families/decoder_config.hpp"

namespace pst::families {

/// Options of OLMo 2 and 3, whose norms are all behind attention and MLP. @param theta  where the key is missing
DecoderOptions olmo_options(const json::Object& config, double theta);

/// read_decoder(), with norms over all query heads and all key heads.
ModelSpec read_olmo(const json::Object& config, const DecoderOptions& options);

}  // namespace pst::families
