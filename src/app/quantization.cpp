// SPDX-License-Identifier: Apache-2.0
#include "app/quantization.hpp"

namespace pst::app {
namespace {

using recipe::FrozenFormat;
using weights::StoredFormat;

StoredFormat stored_format(FrozenFormat format) {
  switch (format) {
    case FrozenFormat::none: return StoredFormat::dense;
    case FrozenFormat::nf4: return StoredFormat::nf4;
    case FrozenFormat::int8: return StoredFormat::int8;
    case FrozenFormat::fp8: return StoredFormat::fp8;
  }
  return StoredFormat::dense;
}

}  // namespace

quant::Options quant_options(const recipe::Quantization& wanted, const families::ModelSpec& config,
                             at::ScalarType compute) {
  return {.format = stored_format(wanted.format),
          .scales = wanted.double_quantization ? lowbit::Scales::quantised : lowbit::Scales::plain,
          .skip = wanted.skip,
          .stored = config.stored,
          .compute = compute == at::kBFloat16 ? Dtype::bf16 : Dtype::f32};
}

recipe::Quantization as_stored(const families::ModelSpec& config) {
  recipe::Quantization wanted;
  switch (config.stored) {
    case StoredFormat::dense: wanted.format = FrozenFormat::none; break;
    case StoredFormat::nf4: wanted.format = FrozenFormat::nf4; break;
    case StoredFormat::int8: wanted.format = FrozenFormat::int8; break;
    case StoredFormat::fp8: wanted.format = FrozenFormat::fp8; break;
  }
  return wanted;
}

}  // namespace pst::app
