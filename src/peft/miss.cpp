// SPDX-License-Identifier: Apache-2.0
// MiSS: the update is made of one block that repeats.
#include "methods/miss.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/eye.h>
#include <ATen/ops/matmul.h>

#include "peft/delta_linear.hpp"
#include "peft/factor_linear.hpp"
#include "peft/linears_adapter.hpp"

// Shape letters: i features in, o features out, r size of a block.
namespace pst::peft {
namespace {

/// y = W x + B' s, s the sum of the blocks of r inputs, the last filled up with zeros: a low-rank update whose A is
/// identities in a row. @see Kang and Yin 2024, arXiv:2409.15371, section 3
class MissLinear final : public FactorLinear {
 public:
  using FactorLinear::FactorLinear;
  void start(const Rng&) override { master(0).zero_(); }

 private:
  Factors factors(const Tensors& trained, const nn::Pass&) const override {
    const at::Tensor& block = trained[0];
    const std::int64_t r = block.size(0), in = in_features();
    return {at::eye(r, block.options()).repeat({1, (in + r - 1) / r}).narrow(1, 0, in),
            block.repeat({1, out_features() / block.size(1)}).t()};
  }
};

/// The update of each block of r x r of W is (block) B + B, with one B for every r outputs.
class BatLinear final : public DeltaLinear {
 public:
  using DeltaLinear::DeltaLinear;
  void start(const Rng&) override { master(0).zero_(); }

 private:
  at::Tensor delta(const Tensors& trained, const nn::Pass&) const override {
    const at::Tensor& block = trained[0];
    const std::int64_t r = block.size(1), out = out_features(), in = in_features();
    const at::Tensor w = base().weight(block.scalar_type()).reshape({out / r, r, in / r, r}).transpose(1, 2);
    const at::Tensor one = block.unsqueeze(1);
    return (at::matmul(w, one) + one).transpose(1, 2).reshape({out, in});
  }
};

}  // namespace

std::unique_ptr<Adapter> make_miss(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                   at::Device device) {
  const bool is_bat = recipe.as<methods::Miss>().init_weights == methods::MissForm::bat;
  return adapt_linears(model, recipe, compute, device, {.wrap = [=](Site site) -> std::unique_ptr<AdaptedLinear> {
                         if (is_bat) return std::make_unique<BatLinear>(std::move(site));
                         return std::make_unique<MissLinear>(std::move(site));
                       }});
}

}  // namespace pst::peft
