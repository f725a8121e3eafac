// SPDX-License-Identifier: Apache-2.0
// FourierFT: some values of the update's Fourier transform are trained.
#include "methods/fourierft.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/fft_ifft2.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/real.h>
#include <ATen/ops/zeros.h>

#include "peft/delta_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"
#include "peft/torch_random.hpp"

// Shape letters: i features in, o features out, f trained coefficients.
namespace pst::peft {
namespace {

/// y = W x + scale * Re(F) x, F the inverse transform of a matrix that is zero but for the trained coefficients.
/// @see Gao et al. 2024, arXiv:2405.03003, section 3
class FourierftLinear final : public DeltaLinear {
 public:
  FourierftLinear(Site given, const methods::Fourierft& keys) : DeltaLinear(std::move(given)), keys_(keys) {}

  void prepare() override {
    places_f_ = random_places(out_features() * in_features(), master(0).size(0),
                              static_cast<std::uint64_t>(keys_.frequencies.random_loc_seed))
                    .to(master(0).device());
  }
  void start(const Rng& rng) override {
    if (keys_.init_weights)
      master(0).zero_();
    else
      fill_normal(master(0), 1, rng.child(0));
  }

 private:
  at::Tensor delta(const Tensors& trained, const nn::Pass&) const override {
    const at::Tensor none = at::zeros({out_features() * in_features()}, trained[0].options());
    const at::Tensor spectrum_oi = at::index_copy(none, 0, places_f_, trained[0]).view({out_features(), in_features()});
    return at::real(at::fft_ifft2(spectrum_oi)) * adapted().scale;
  }

  methods::Fourierft keys_;
  at::Tensor places_f_;  // int64, in the matrix of coefficients, row by row
};

}  // namespace

std::unique_ptr<Adapter> make_fourierft(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                        at::Device device) {
  const auto keys = recipe.as<methods::Fourierft>();
  return adapt_linears(model, recipe, compute, device,
                       {.wrap = [=](Site site) { return std::make_unique<FourierftLinear>(std::move(site), keys); }});
}

}  // namespace pst::peft
