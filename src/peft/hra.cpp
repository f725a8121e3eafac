// SPDX-License-Identifier: Apache-2.0
// HRA: the input is reflected along learned directions before the frozen product.
#include "methods/hra.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_inv.h>
#include <ATen/ops/linalg_solve_triangular.h>

#include "ops/gemm.hpp"
#include "peft/fill.hpp"
#include "peft/input_linear.hpp"
#include "peft/linears_adapter.hpp"

// Shape letters: n rows (tokens), i features in, r reflections.
namespace pst::peft {
namespace {

/// y = W H1 ... Hr x, Hj = 1 - 2 uj uj' with uj of length 1. Their product is 1 - U T U', T upper triangular and the
/// inverse of the part of U'U above its diagonal plus half of that. With orthogonal directions it is 1 - 2 P, P the
/// projection U (U'U)^-1 U' on what they span. @see Yuan et al. 2024, arXiv:2405.17484, section 3; Schreiber and Van
/// Loan 1989
class HraLinear final : public InputLinear {
 public:
  HraLinear(Site given, bool orthogonal) : InputLinear(std::move(given)), orthogonal_(orthogonal) {}

  void start(const Rng& rng) override {
    const at::Tensor u_ir = master(0);
    if (orthogonal_ || u_ir.size(1) % 2 != 0) return fill_kaiming(u_ir, rng.child(0));
    const at::Tensor half = at::empty({u_ir.size(0), u_ir.size(1) / 2}, u_ir.options());
    fill_kaiming(half, rng.child(0));
    u_ir.copy_(half.repeat_interleave(2, 1));
  }

 private:
  /// U and - U T.
  Tensors matrices(const Tensors& trained, const nn::Pass&) const override {
    const at::Tensor u_ir = trained[0] / trained[0].norm(2, {0}, /*keepdim=*/true);
    const at::Tensor products_rr = u_ir.t().mm(u_ir);
    if (orthogonal_) return {u_ir, -2 * u_ir.mm(at::linalg_inv(products_rr))};
    const at::Tensor inverse_rr = products_rr.triu(1) + 0.5 * at::eye(u_ir.size(1), u_ir.options());
    return {u_ir, -at::linalg_solve_triangular(inverse_rr, u_ir, /*upper=*/true, /*left=*/false)};
  }
  at::Tensor turned(const at::Tensor& x_ni, const Tensors& m) const override {
    return at::addmm(x_ni, ops::matmul_nn(x_ni, m[0]), m[1].t());
  }
  at::Tensor turned_back(const at::Tensor& dz_ni, const Tensors& m) const override {
    return at::addmm(dz_ni, ops::matmul_nn(dz_ni, m[1]), m[0].t());
  }
  Tensors gradients(const at::Tensor& x_ni, const at::Tensor& dz_ni, const Tensors& m) const override {
    return {ops::wide_matmul_tn(x_ni, ops::matmul_nn(dz_ni, m[1])),
            ops::wide_matmul_tn(dz_ni, ops::matmul_nn(x_ni, m[0]))};
  }
  bool orthogonal_;
};

}  // namespace

std::unique_ptr<Adapter> make_hra(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                  at::Device device) {
  const bool orthogonal = recipe.as<methods::Hra>().apply_GS;
  return adapt_linears(model, recipe, compute, device,
                       {.wrap = [=](Site site) { return std::make_unique<HraLinear>(std::move(site), orthogonal); }});
}

}  // namespace pst::peft
