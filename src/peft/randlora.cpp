// SPDX-License-Identifier: Apache-2.0
// RandLoRA: a sum of random matrices of low rank, of which only factors are trained.
#include "methods/randlora.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/std.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "peft/factor_linear.hpp"
#include "peft/linears_adapter.hpp"
#include "peft/torch_random.hpp"

// Shape letters: s the smaller side of a layer, l its larger, r rank of a random matrix, m random matrices.
namespace pst::peft {
namespace {

/// y = W x + alpha / r * D dropout(x), D the sum over m of B_m diag(lambda_m) A diag(gamma_m), or that transposed; A
/// and B frozen, shared and random. @see Albert et al. 2025, arXiv:2502.00987, section 3
class RandloraLinear final : public FactorLinear {
 public:
  using FactorLinear::FactorLinear;

  void start(const Rng&) override {
    master(0).zero_();
    master(1).fill_(1 / static_cast<double>(std::max(master(1).size(0), master(1).size(1))));
  }

 private:
  Factors factors(const Tensors& trained, const nn::Pass&) const override {
    const at::Tensor &lambda_rm = trained[0], &gamma_ms = trained[1];
    const std::int64_t m = gamma_ms.size(0), s = gamma_ms.size(1);
    const at::Tensor a_r1s = site().shared_frozen[0].narrow(2, 0, s);
    const at::Tensor b_lmr =
        site().shared_frozen[1].narrow(0, 0, std::max(in_features(), out_features())).narrow(1, 0, m);
    // PEFT counts the products of ranks and matrices by ranks in the one, by matrices in the other.
    const at::Tensor small_ps = (lambda_rm.unsqueeze(2) * a_r1s * gamma_ms.unsqueeze(0)).flatten(0, 1);
    const at::Tensor large_lp = b_lmr.flatten(1, 2) * adapted().scale;
    if (s == in_features()) return {small_ps, large_lp};
    return {large_lp.t(), small_ps.t()};
  }
};

/// Of deviation 1, divided in the dtype in which PEFT draws them.
at::Tensor unit_deviation(const at::Tensor& values) { return (values / values.std()).to(at::kFloat); }

/// PEFT draws in bf16 where the CPU has it, and torch's always has.
at::Tensor drawn(at::IntArrayRef shape, std::int64_t fan, at::Generator& numbers) {
  const double gain = std::sqrt(2.0 / (1 + std::pow(std::sqrt(5.0), 2))),
               bound = std::sqrt(3.0) * (gain / std::sqrt(static_cast<double>(fan)));
  return at::empty(shape, at::kBFloat16).uniform_(-bound, bound, numbers);
}

void draw(const at::Tensor& a_r1s, const at::Tensor& b_lmr, at::Generator numbers) {
  a_r1s.copy_(unit_deviation(drawn(a_r1s.sizes(), a_r1s.size(2), numbers)));
  Tensors matrices;
  for (std::int64_t i = 0; i < b_lmr.size(1); ++i)
    matrices.push_back(drawn({b_lmr.size(0), 1, b_lmr.size(2)}, b_lmr.size(2), numbers));
  b_lmr.copy_(unit_deviation(at::cat(matrices, 1)));
}

/// @throws Error(usage) where chance left only zeros
void draw_sparse(const Tensors& frozen, double sparsity, at::Generator numbers) {
  for (const at::Tensor& matrix : frozen) {
    const at::Tensor uniform = at::rand(matrix.sizes(), numbers, at::kFloat);
    const at::Tensor signs =
        (uniform > 1 - 1 / (2 * sparsity)).to(at::kFloat) - (uniform < 1 / (2 * sparsity)).to(at::kFloat);
    matrix.copy_(unit_deviation(signs));
    if (!matrix.isfinite().all().item().toBool())
      throw Error(Fault::usage, "the sparse random matrices have only zeros", "write another projection_prng_key");
  }
}

}  // namespace

std::unique_ptr<Adapter> make_randlora(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                       at::Device device) {
  const auto keys = recipe.as<methods::Randlora>();
  const auto project = [=](const Tensors& frozen) {
    const at::Generator numbers = torch_generator(static_cast<std::uint64_t>(keys.projection_prng_key));
    if (keys.very_sparse)
      draw_sparse(frozen, std::sqrt(static_cast<double>(frozen[0].size(2))), numbers);
    else if (keys.sparse)
      draw_sparse(frozen, 3, numbers);
    else
      draw(frozen[0], frozen[1], numbers);
  };
  return adapt_linears(
      model, recipe, compute, device,
      {.wrap = [](Site site) { return std::make_unique<RandloraLinear>(std::move(site)); }, .project_shared = project});
}

}  // namespace pst::peft
