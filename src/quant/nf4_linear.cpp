// SPDX-License-Identifier: Apache-2.0
#include "quant/nf4_linear.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/split.h>

#include "kernels/nf4/nf4.hpp"
#include "kernels/nf4/nf4_product.hpp"
#include "ops/row_by_row.hpp"
#include "ops/torch_exec.hpp"

namespace pst::quant {

at::Tensor Nf4Linear::apply(const at::Tensor& x_ni) const {
  const std::int64_t rows = x_ni.size(0);
  if (rows < 1 || in_ % 8 != 0) return QuantisedLinear::apply(x_ni);
  if (rows > kernels::kNf4ProductRows) {
    if (!ops::RowByRow::is_on() || !x_ni.is_cpu()) return QuantisedLinear::apply(x_ni);
    std::vector<at::Tensor> groups;
    for (const at::Tensor& few : x_ni.split(kernels::kNf4ProductRows)) groups.push_back(apply(few));
    return at::cat(groups);
  }
  const at::Tensor absmax = scales(scratch());
  at::Tensor y_no = at::empty({rows, out_}, x_ni.options().requires_grad(false));
  kernels::nf4_product(ops::exec_of(x_ni), ops::view_of(x_ni.contiguous()), ops::view_of(parts_.at(0)),
                       ops::view_of(absmax), kernels::kNf4Block, out_, ops::view_of(y_no));
  return bias_ ? y_no.add_(*bias_) : y_no;
}

at::Tensor Nf4Linear::scales(Scratch& scratch) const {
  const at::Tensor& stored = parts_.at(1);
  if (parts_.size() == 2) return stored;
  const at::Tensor absmax = scratch.scales(stored.numel(), stored);
  kernels::double_dequantise(ops::exec_of(stored), ops::view_of(stored), ops::view_of(parts_[2]),
                             ops::view_of(parts_[3]), ops::view_of(parts_[4]), 0, ops::view_of(absmax));
  return absmax;
}

void Nf4Linear::dequantise(Scratch& scratch, const at::Tensor& weight) const {
  const at::Tensor absmax = scales(scratch);
  kernels::nf4_dequantise(ops::exec_of(weight), ops::view_of(parts_[0]), ops::view_of(absmax), kernels::kNf4Block, 0,
                          ops::view_of(weight));
}

}  // namespace pst::quant
