// SPDX-License-Identifier: Apache-2.0
#include "quant/int8_linear.hpp"

#include "kernels/int8/int8.hpp"
#include "ops/torch_exec.hpp"

namespace pst::quant {

void Int8Linear::dequantise(Scratch&, const at::Tensor& weight) const {
  kernels::int8_dequantise(ops::exec_of(weight), ops::view_of(parts_.at(0)), ops::view_of(parts_.at(1)), in_, 0,
                           ops::view_of(weight));
}

}  // namespace pst::quant
