// SPDX-License-Identifier: Apache-2.0
#include "ops/dropout.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/ones_like.h>

#include "kernels/dropout/dropout.hpp"
#include "ops/torch_exec.hpp"

namespace pst::ops {

at::Tensor dropped(const at::Tensor& x, double chance, const Rng& rng) {
  // The kernel has no f64: there x is multiplied with what it makes of ones.
  if (x.scalar_type() == at::kDouble)
    return x * dropped(at::ones_like(x, x.options().dtype(at::kFloat).requires_grad(false)), chance, rng);
  const at::Tensor out = at::empty_like(x);
  kernels::dropout(exec_of(x), view_of(x), chance, rng, view_of(out));
  return out;
}

}  // namespace pst::ops
