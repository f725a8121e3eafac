// SPDX-License-Identifier: Apache-2.0
// SHiRA: some values of each weight are trained.
#include "methods/shira.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/index_copy.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GeneratorImpl.h>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "peft/delta_linear.hpp"
#include "peft/linears_adapter.hpp"
#include "peft/torch_random.hpp"

// Shape letters: i features in, o features out, t trained values.
namespace pst::peft {
namespace {

/// y = W x + S x, S zero but for the trained values. @see Bhardwaj et al. 2024, arXiv:2406.13175, section 3
class ShiraLinear final : public DeltaLinear {
 public:
  ShiraLinear(Site given, std::uint64_t seed) : DeltaLinear(std::move(given)), seed_(seed) {}

  /// The rows and columns that PEFT chooses.
  void prepare() override {
    const at::Tensor drawn_t = random_places(in_features() * out_features(), places().size(1), seed_);
    const at::Tensor places_t = std::get<0>(drawn_t.sort());
    const at::Tensor rows_t = places_t.div(in_features(), "floor");
    places().copy_(at::stack({rows_t, places_t - rows_t * in_features()}));
  }
  void start(const Rng&) override { master(0).zero_(); }

  /// @throws Error(data) for places that a file cannot have got from PEFT
  void loaded() override {
    const at::Tensor at_t = places().to(at::kLong), rows_t = at_t[0], columns_t = at_t[1];
    flat_ = rows_t * in_features() + columns_t;
    const bool inside = columns_t.min().item().toLong() >= 0 && columns_t.max().item().toLong() < in_features() &&
                        rows_t.min().item().toLong() >= 0 && rows_t.max().item().toLong() < out_features();
    if (!inside || (flat_.diff() <= 0).any().item().toBool())
      throw Error(
          Fault::data,
          cat("the tensor shira_indices of ", site().name, " names places outside of the weight, or not in order"),
          "copy the adapter's folder again");
  }

 private:
  const at::Tensor& places() const { return site().frozen[0]; }  // [2, t]: rows and columns

  at::Tensor delta(const Tensors& trained, const nn::Pass&) const override {
    const at::Tensor none = at::zeros({out_features() * in_features()}, trained[0].options());
    return at::index_copy(none, 0, flat_, trained[0]).view({out_features(), in_features()});
  }

  std::uint64_t seed_;
  at::Tensor flat_;  // [t], int64: places in the weight, row by row
};

}  // namespace

std::unique_ptr<Adapter> make_shira(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                    at::Device device) {
  const auto given = recipe.as<methods::Shira>().random_seed;
  const std::uint64_t seed = given ? static_cast<std::uint64_t>(*given) : c10::default_rng_seed_val;
  return adapt_linears(model, recipe, compute, device,
                       {.wrap = [=](Site site) { return std::make_unique<ShiraLinear>(std::move(site), seed); }});
}

}  // namespace pst::peft
