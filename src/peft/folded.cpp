// SPDX-License-Identifier: Apache-2.0
#include "peft/folded.hpp"

#include <ATen/ops/zeros.h>

namespace pst::peft {
namespace {

at::Tensor window(const at::Tensor& whole_oi, const Folded::Part& part) {
  const auto& [first_row, row_step, first_column, column_step] = part.place;
  const std::int64_t rows = part.parameter->shape[0], columns = part.parameter->shape[1];
  return whole_oi.slice(0, first_row, first_row + (rows - 1) * row_step + 1, row_step)
      .slice(1, first_column, first_column + (columns - 1) * column_step + 1, column_step);
}

}  // namespace

at::Tensor Folded::whole() const {
  const at::NoGradGuard no_gradients;
  const at::Tensor whole_oi = at::zeros(shape, at::kFloat);
  for (const Part& part : parts) window(whole_oi, part).copy_(part.parameter->value);
  return whole_oi;
}

at::Tensor Folded::whole(const at::Tensor& flat) const {
  const at::NoGradGuard no_gradients;
  const at::Tensor whole_oi = at::zeros(shape, at::kFloat);
  for (const auto& [parameter, place] : parts)
    window(whole_oi, {parameter, place})
        .copy_(flat.narrow(0, parameter->offset, parameter->count()).view(parameter->shape));
  return whole_oi;
}

void Folded::take(const at::Tensor& whole_oi) const {
  const at::NoGradGuard no_gradients;
  for (const Part& part : parts) part.parameter->value.copy_(window(whole_oi, part));
}

}  // namespace pst::peft
