// SPDX-License-Identifier: Apache-2.0
#include "app/quantization.hpp"

namespace pst::app {
quant::Options quant_options(const recipe::Quantization& wanted, const families::ModelSpec& config,
                             at::ScalarType compute) {
  return {.format = wanted.format,
          .scales = wanted.double_quantization ? lowbit::Scales::quantised : lowbit::Scales::plain,
          .skip = wanted.skip,
          .stored = config.stored,
          .compute = compute == at::kBFloat16 ? Dtype::bf16 : Dtype::f32};
}

recipe::Quantization as_stored(const families::ModelSpec& config) { return {.format = config.stored}; }

}  // namespace pst::app
