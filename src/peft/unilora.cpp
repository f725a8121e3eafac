// SPDX-License-Identifier: Apache-2.0
// UniLoRA: all values of all low-rank factors come from one short vector.
#include "methods/unilora.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>

#include <cmath>
#include <map>
#include <optional>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/module_order.hpp"
#include "peft/factor_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"
#include "peft/numpy_random.hpp"

// Shape letters: i features in, o features out, r rank, t trained values.
namespace pst::peft {
namespace {

/// Which trained value stands at each place of all factors, laid end to end, A before B, in the order of the modules.
struct Places {
  std::vector<std::int64_t> values;
  std::vector<float> scales;  ///< of a value: 1 / sqrt(places that it has)
};

/// Each value gets as many places as any other, or one more.
Places draw_places(std::int64_t count, std::int64_t values, std::uint64_t seed) {
  NumpyRandom numbers(seed);
  Places places;
  places.values.reserve(static_cast<std::size_t>(count));
  for (std::int64_t value = 0; value < values; ++value)
    places.values.insert(places.values.end(), static_cast<std::size_t>(count / values), value);
  if (count % values != 0)
    for (const std::int64_t value : numbers.choose(values, count % values)) places.values.push_back(value);
  numbers.shuffle(places.values);
  std::vector<std::int64_t> uses(static_cast<std::size_t>(values));
  for (const std::int64_t value : places.values) ++uses[static_cast<std::size_t>(value)];
  for (const std::int64_t n : uses) places.scales.push_back(n == 0 ? 0 : 1 / std::sqrt(static_cast<float>(n)));
  return places;
}

/// The places of all layers, drawn when the first layer asks.
class Drawn {
 public:
  Drawn(const methods::Unilora& keys, const std::vector<methods::LinearLayer>& layers,
        const std::vector<methods::Adapted>& adapted)
      : keys_(keys) {
    for (const std::size_t i : methods::in_module_order(layers, adapted)) {
      begins_[adapted[i].layer] = count_;
      count_ += keys.r * (layers[adapted[i].layer].in + layers[adapted[i].layer].out);
    }
  }
  const Places& places() {
    if (!places_) places_ = draw_places(count_, keys_.theta_d_length, static_cast<std::uint64_t>(keys_.proj_seed));
    return *places_;
  }
  std::int64_t begin_of(std::size_t layer) const { return begins_.at(layer); }

 private:
  methods::Unilora keys_;
  std::map<std::size_t, std::int64_t> begins_;
  std::int64_t count_ = 0;
  std::optional<Places> places_;
};

/// y = W x + B A dropout(x), each value of A and B one of the trained values, scaled.
/// @see Li et al. 2025, arXiv:2506.00799, section 3
class UniloraLinear final : public FactorLinear {
 public:
  UniloraLinear(Site given, std::shared_ptr<Drawn> drawn, std::int64_t values)
      : FactorLinear(std::move(given)), drawn_(std::move(drawn)), values_(values) {}

  void prepare() override {
    const Places& places = drawn_->places();
    auto at = static_cast<std::size_t>(drawn_->begin_of(adapted().layer));
    for (std::size_t side = 0; side < 2; ++side) {
      const at::Tensor indices = at::empty(indices_of(side).sizes(), at::kLong),
                       scales = at::empty(indices_of(side).sizes(), at::kFloat);
      for (std::int64_t i = 0; i < indices.numel(); ++i) {
        const std::int64_t value = places.values[at++];
        indices.mutable_data_ptr<std::int64_t>()[i] = value;
        scales.mutable_data_ptr<float>()[i] = places.scales[static_cast<std::size_t>(value)];
      }
      indices_of(side).copy_(indices);
      scales_of(side).copy_(scales);
    }
  }
  void start(const Rng&) override {}

  /// @throws Error(data) for indices that a file cannot have got from PEFT
  void loaded() override {
    for (std::size_t side = 0; side < 2; ++side) {
      chosen_[side] = indices_of(side).to(at::kLong);
      if (((chosen_[side] < 0) | (chosen_[side] >= values_)).any().item().toBool())
        throw Error(Fault::data,
                    cat("the tensor ", adapted().tensors[side].name, " of ", site().name,
                        " names values outside of unilora_theta_d"),
                    "copy the adapter's folder again");
    }
  }

 private:
  const at::Tensor& indices_of(std::size_t side) const { return site().frozen[side]; }
  const at::Tensor& scales_of(std::size_t side) const { return site().frozen[2 + side]; }

  Factors factors(const Tensors& trained, const nn::Pass&) const override {
    // As rows of an embedding, whose gradients are added in one order, on GPUs too.
    const at::Tensor table_t1 = trained[0].unsqueeze(1);
    const auto factor = [&](std::size_t side) {
      return at::embedding(table_t1, chosen_[side]).squeeze(-1) * scales_of(side);
    };
    return {factor(0), factor(1)};
  }

  std::shared_ptr<Drawn> drawn_;
  std::int64_t values_;
  at::Tensor chosen_[2];  // int64: of A [r, i], of B [o, r]
};

}  // namespace

std::unique_ptr<Adapter> make_unilora(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                      at::Device device) {
  const auto keys = recipe.as<methods::Unilora>();
  const std::vector<methods::LinearLayer> layers = places_of(model).linears;
  const auto drawn = std::make_shared<Drawn>(keys, layers, methods::adapt(recipe, layers));
  const auto wrap = [=](Site site) {
    return std::make_unique<UniloraLinear>(std::move(site), drawn, keys.theta_d_length);
  };
  const auto start = [=](const std::vector<nn::Parameter*>& trained, const Rng& rng) {
    if (keys.init_weights)
      fill_uniform(trained[0]->value, keys.init_theta_d_bound, rng.child("theta"));
    else
      fill_normal(trained[0]->value, 1, rng.child("theta"));
  };
  return adapt_linears(model, recipe, compute, device, {.wrap = wrap, .start_shared = start});
}

}  // namespace pst::peft
