// SPDX-License-Identifier: Apache-2.0
// C3A: the update consists of circulant blocks.
#include "methods/c3a.hpp"

#include <ATen/TensorOperators.h>

#include <cmath>

#include "peft/delta_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"

// Shape letters: m blocks of outputs, n of inputs, b side of a block.
namespace pst::peft {
namespace {

/// Row k of a block is the kernel moved k places to the right, the last values coming in at the left, over the layer's
/// inputs. @see Chen et al. 2024, arXiv:2407.19342, section 3
class C3aLinear final : public DeltaLinear {
 public:
  C3aLinear(Site given, methods::C3aInit init) : DeltaLinear(std::move(given)), init_(init) {}

  void start(const Rng& rng) override {
    const auto in = static_cast<double>(in_features()), out = static_cast<double>(out_features());
    switch (init_) {
      case methods::C3aInit::zeros: master(0).zero_(); break;
      case methods::C3aInit::gaussian: fill_normal(master(0), 1, rng.child(0)); break;
      case methods::C3aInit::kaiming_uniform: fill_uniform(master(0), std::sqrt(1 / in), rng.child(0)); break;
      case methods::C3aInit::xavier_uniform: fill_uniform(master(0), std::sqrt(6 / (in + out)), rng.child(0)); break;
    }
  }

 private:
  at::Tensor delta(const Tensors& trained, const nn::Pass&) const override {
    const at::Tensor& kernel = trained[0];
    const std::int64_t m = kernel.size(0), n = kernel.size(1), b = kernel.size(2);
    // Kernels end to end: rows that are one value shorter than two kernels begin one place earlier each time.
    const at::Tensor rows = kernel.repeat({1, 1, 2 * b - 1}).view({m, n, b, 2 * b - 1}).narrow(3, 0, b);
    return rows.permute({0, 2, 1, 3}).reshape({out_features(), in_features()}) * adapted().scale;
  }
  methods::C3aInit init_;
};

}  // namespace

std::unique_ptr<Adapter> make_c3a(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                  at::Device device) {
  const methods::C3aInit init = recipe.as<methods::C3a>().init_weights;
  return adapt_linears(model, recipe, compute, device,
                       {.wrap = [=](Site site) { return std::make_unique<C3aLinear>(std::move(site), init); }});
}

}  // namespace pst::peft
