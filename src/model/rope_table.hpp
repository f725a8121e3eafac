// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "families/layer_spec.hpp"
#include "model/attention_layer.hpp"
#include "ops/attention.hpp"

namespace pst::model {

/// Angles position * frequency for positions 0 to `positions` - 1; where long documents have other frequencies, the
/// same for these in the rows after them. Angles are f32 products, as in transformers, so that far positions agree.
RopeTables make_rope_tables(const families::RopeSpec& spec, std::int64_t positions, at::Device device);

/// The table's row of position 0 in a document of this length.
std::int64_t first_row(const families::RopeSpec& spec, std::int64_t length, std::int64_t positions);

/// The table's row of each token: i32 [n].
at::Tensor table_rows(const families::RopeSpec& spec, const ops::Documents& documents, std::int64_t positions);

}  // namespace pst::model
