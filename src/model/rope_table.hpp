// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "families/spec.hpp"
#include "ops/attention.hpp"

namespace pst::model {

/// Angles position * theta^(-2i/d), with stretched low frequencies where the spec says so.
/// Frequencies and angles are f32 products, as in transformers, so that far positions agree with it.
/// @see Su et al. 2021, arXiv:2104.09864; transformers modeling_rope_utils
ops::RopeTable make_rope_table(const families::RopeSpec& spec, std::int64_t positions);

}  // namespace pst::model
