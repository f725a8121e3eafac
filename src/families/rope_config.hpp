// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string_view>

#include "families/layer_spec.hpp"
#include "json/object.hpp"

namespace pst::families {

/// What a family's rotary positions are where config.json does not say.
struct RopeDefaults {
  std::int64_t head_dim = 0, positions = 0;  ///< of the model
  double theta = 10000, part = 1;            ///< part of each head that turns
  bool neighbours = false;
};

/// Reads the rotary positions of all layers, or of those of one type where rope_parameters has a section for each.
/// v4 spelling: `rope_theta` beside `rope_scaling`, which is null or an object. v5: everything in `rope_parameters`, or
/// in `rope_scaling`, which then counts alone. Where both compute different things of one file, it is refused.
/// @param layer_type  "sliding_attention", or empty
/// @throws Error(data) naming key and line, also for a kind that is not known
/// @see transformers modeling_rope_utils
RopeSpec read_rope(const json::Object& config, const RopeDefaults& defaults, std::string_view layer_type = {});

/// Whether rope_parameters, or rope_scaling, has a section for this type of layers.
bool has_rope_section(const json::Object& config, std::string_view layer_type);

/// Positions that nothing scales.
RopeSpec plain_rope(const RopeDefaults& defaults, double theta);

/// Of each head, whole, `part` of the pairs turns, by exponents of the whole head.
RopeSpec proportional_rope(const RopeDefaults& defaults);

/// Stretches the low frequencies: rope_type "llama3".
struct LowFrequencyScaling {
  double factor = 8, low_freq_factor = 1, high_freq_factor = 4;
  std::int64_t original_positions = 8192;
};
double stretched(double frequency, const LowFrequencyScaling& scaling);

}  // namespace pst::families
