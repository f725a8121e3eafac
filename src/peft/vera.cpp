// SPDX-License-Identifier: Apache-2.0
// VeRA: a low-rank update of which only factors of rows and columns are trained.
#include "methods/vera.hpp"

#include <ATen/TensorOperators.h>

#include "peft/factor_linear.hpp"
#include "peft/linears_adapter.hpp"
#include "peft/torch_random.hpp"

namespace pst::peft {
namespace {

/// y = W x + b * (B (d * (A dropout(x)))), A and B frozen. @see Kopiczko et al. 2024, arXiv:2310.11454, section 3.1
class VeraLinear final : public FactorLinear {
 public:
  VeraLinear(Site given, double d_initial) : FactorLinear(std::move(given)), d_initial_(d_initial) {}

  void start(const Rng&) override {
    master(0).zero_();
    master(1).fill_(d_initial_);
  }

 private:
  Factors factors(const Tensors& trained, const nn::Pass&) const override {
    const at::Tensor &b_o = trained[0], &d_r = trained[1];
    const at::Tensor a_ri = site().shared_frozen[0].narrow(1, 0, in_features());
    const at::Tensor b_or = site().shared_frozen[1].narrow(0, 0, out_features());
    return {a_ri, b_o.unsqueeze(1) * b_or * d_r};
  }
  double d_initial_;
};

}  // namespace

std::unique_ptr<Adapter> make_vera(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                   at::Device device) {
  const auto keys = recipe.as<methods::Vera>();
  return adapt_linears(
      model, recipe, compute, device,
      {.wrap = [=](Site site) { return std::make_unique<VeraLinear>(std::move(site), keys.d_initial); },
       .project_shared =
           [=](const Tensors& frozen) {
             at::Generator numbers = torch_generator(static_cast<std::uint64_t>(keys.projection_prng_key));
             for (const at::Tensor& matrix : frozen)
               matrix.copy_(kaiming_uniform(matrix.size(0), matrix.size(1), numbers));
           }});
}

}  // namespace pst::peft
