// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include <nlohmann/json_fwd.hpp>

#include "families/gguf_names.hpp"
#include "gguf/gguf_metadata.hpp"

namespace pst::gguf {

/// Tensors that tell of rotary positions and become keys of config.json.
inline constexpr const char* kRopeTensors[] = {"rope_freqs.weight", "rope_factors_long.weight",
                                               "rope_factors_short.weight"};

/// Writes the base, the part of a head that turns, and `rope_scaling`, from the metadata and from tensors of factors.
/// @param head_dim  values of a head
/// @throws Error(data) for what a config of the family cannot express
void add_rope(const Metadata& metadata, const families::GgufRope& names, std::int64_t head_dim,
              nlohmann::ordered_json& config);

}  // namespace pst::gguf
