// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "lowbit/codec.hpp"
#include "nn/frozen_format.hpp"
#include "weights/number_format.hpp"

namespace pst::quant {

struct Options {
  weights::NumberFormat format = weights::NumberFormat::none;
  lowbit::Scales scales = lowbit::Scales::quantised;           ///< of NF4; a quantised folder's own choice counts
  std::vector<std::string> skip;                               ///< endings of layers' names that stay dense
  weights::NumberFormat stored = weights::NumberFormat::none;  ///< how the model's folder keeps its layers
  Dtype compute = Dtype::f32;
  nn::Kept kept = nn::Kept::as_computed;  ///< of what stays dense
};

/// How a model's layers are kept: as numbers, or in one of the formats that are quantised. In a folder that is
/// quantised already, a matrix that is not stays dense, as those who wrote it would have it. The layers that one format
/// makes share a scratch buffer.
/// @throws Error(usage) when the folder is quantised and `format` is another format
std::unique_ptr<nn::FrozenFormat> make_format(const Options& options);

}  // namespace pst::quant
