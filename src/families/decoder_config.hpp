// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>

#include "families/spec.hpp"
#include "json/object.hpp"

namespace pst::families {

/// What families differ in whose config keys, modules and layer are those of the common pre-norm decoder.
struct DecoderOptions {
  std::int64_t absent_positions = 2048;                ///< where max_position_embeddings is missing
  std::optional<std::int64_t> absent_key_value_heads;  ///< absent: as many as query heads
  bool attention_bias = false, mlp_bias = false;
  std::optional<std::int64_t> window;  ///< of every layer
};

/// Reads sizes, norms, rotary positions and token ids. @throws Error(data) naming key and line
ModelSpec read_decoder(const json::Object& config, const DecoderOptions& options);

}  // namespace pst::families
