// SPDX-License-Identifier: Apache-2.0
// Super-Tuning: the values of largest magnitude of each weight are trained, with a LoRA if wanted.
#include "methods/supertuning.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/addmm.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros.h>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "peft/delta_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"

// Shape letters: i features in, o features out, t trained values, r rank.
namespace pst::peft {
namespace {

/// y = W x + S x, S zero but for the trained values.
class SparseLinear final : public DeltaLinear {
 public:
  SparseLinear(Site given, bool largest) : DeltaLinear(std::move(given)), largest_(largest) {}

  /// The places that PEFT chooses, in its order.
  void prepare() override {
    const at::Tensor sizes = base().weight(at::kFloat).abs().flatten();
    places().copy_(std::get<1>(at::topk(sizes, places().size(0), 0, largest_)));
  }
  void start(const Rng&) override { master(0).zero_(); }

  /// @throws Error(data) for places that a file cannot have got from PEFT
  void loaded() override {
    places_t_ = places().to(at::kLong);
    const at::Tensor sorted_t = std::get<0>(places_t_.sort());
    const auto first = sorted_t[0].item().toLong(), last = sorted_t[-1].item().toLong();
    if (first < 0 || last >= in_features() * out_features() || (sorted_t.diff() == 0).any().item().toBool())
      throw Error(
          Fault::data,
          cat("the tensor supertuning_indices of ", site().name, " names places outside of the weight, or one twice"),
          "copy the adapter's folder again");
  }

 private:
  const at::Tensor& places() const { return site().frozen[0]; }  // [t], in the flattened weight

  at::Tensor delta(const Tensors& trained, const nn::Pass&) const override {
    const at::Tensor none = at::zeros({out_features() * in_features()}, trained[0].options());
    return at::index_copy(none, 0, places_t_, trained[0]).view({out_features(), in_features()});
  }

  bool largest_;
  at::Tensor places_t_;
};

/// y = (W + S) x + scale * B A dropout(x), around a layer of the trained values.
class SupraLinear final : public AdaptedLinear {
 public:
  SupraLinear(Site given, SparseLinear& sparse) : AdaptedLinear(std::move(given)), sparse_(sparse) {}

  void prepare() override { sparse_.prepare(); }
  void start(const Rng& rng) override {
    sparse_.start(rng);
    fill_kaiming(master(0), rng.child(0));
    master(1).zero_();
  }
  void loaded() override { sparse_.loaded(); }
  at::Tensor weight(at::ScalarType dtype) const override {
    at::NoGradGuard no_gradients;
    const Tensors trained = masters();
    return at::addmm(base().weight(at::kFloat), trained[1], trained[0], 1, adapted().scale).to(dtype);
  }

 private:
  at::Tensor run(const at::Tensor& x_ni, const Tensors& trained, const nn::Pass& pass) const override {
    const at::Tensor h_nr = at::matmul(dropped(x_ni, adapted().dropout, pass), trained[0].t());
    return base().forward(x_ni, pass) + at::matmul(h_nr, trained[1].t()) * adapted().scale;
  }
  SparseLinear& sparse_;  // the base
};

std::unique_ptr<AdaptedLinear> wrapped(Site site, bool largest) {
  if (site.trained.size() == 1) return std::make_unique<SparseLinear>(std::move(site), largest);
  Site values{.base = std::move(site.base),
              .name = site.name,
              .adapted = {.layer = site.adapted.layer},
              .trained = {site.trained[0]},
              .frozen = std::move(site.frozen)};
  auto sparse = std::make_unique<SparseLinear>(std::move(values), largest);
  SparseLinear& inner = *sparse;
  site.base = std::move(sparse);
  site.trained.erase(site.trained.begin());
  site.frozen.clear();
  return std::make_unique<SupraLinear>(std::move(site), inner);
}

}  // namespace

std::unique_ptr<Adapter> make_supertuning(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                          at::Device device) {
  const bool largest = recipe.as<methods::Supertuning>().select_top;
  return adapt_linears(model, recipe, compute, device,
                       {.wrap = [=](Site site) { return wrapped(std::move(site), largest); }, .studies = true});
}

}  // namespace pst::peft
