// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/lora.hpp"
#include "methods/method.hpp"
#include "nn/in_use.hpp"
#include "ops/torch_exec.hpp"
#include "peft/adapter.hpp"
#include "peft/dora_linear.hpp"
#include "peft/fill.hpp"
#include "peft/found_start.hpp"
#include "peft/lora_embedding.hpp"
#include "peft/lora_linear.hpp"
#include "peft/lora_start.hpp"
#include "peft/residual_linear.hpp"
#include "peft/trained_rows.hpp"
#include "weights/adapter_names.hpp"

namespace pst::peft {
namespace {

/// LoRA whose B has a bias: y = (W x + scale * B A x) + scale * bias.
class BiasedLinear final : public nn::Linear {
 public:
  BiasedLinear(std::unique_ptr<nn::Linear> inner, double scale, const nn::Parameter& bias)
      : inner_(std::move(inner)), scale_(scale), bias_(bias) {}
  std::int64_t in_features() const override { return inner_->in_features(); }
  std::int64_t out_features() const override { return inner_->out_features(); }
  at::Tensor weight(at::ScalarType dtype) const override { return inner_->weight(dtype); }
  at::Tensor apply(const at::Tensor& x_ni) const override {
    at::NoGradGuard no_gradients;
    return inner_->apply(x_ni).add_(bias_.compute, scale_);
  }
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override { return inner_->apply_transposed(dy_no); }
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const override {
    return inner_->forward(x_ni, pass).add(nn::in_use(bias_), scale_);
  }

 private:
  std::unique_ptr<nn::Linear> inner_;
  double scale_;
  const nn::Parameter& bias_;
};

class LoraAdapter final : public Adapter {
 public:
  LoraAdapter(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute, at::Device device)
      : Adapter(recipe), model_(model), keys_(recipe.as<methods::Lora>()) {
    std::vector<nn::LinearSlot> slots = model.linears();
    const methods::Places places = places_of(model);
    std::vector<methods::Adapted> chosen = methods::adapt(recipe, places.linears);
    const auto stacks = std::stable_partition(chosen.begin(), chosen.end(),
                                              [](const methods::Adapted& of) { return of.stack_module.empty(); });
    const std::vector<methods::Adapted> of_stacks(stacks, chosen.end());
    chosen.erase(stacks, chosen.end());
    if (!chosen.empty() && places.linears[chosen.back().layer].is_embedding) {
      wrap_embedding(chosen.back());
      chosen.pop_back();
    }
    // The A's of layers that read the same x lie side by side, so that they can be one factor (lora_forward.hpp).
    for (auto first = chosen.begin(); first != chosen.end();) {
      const auto end = std::find_if(first + 1, chosen.end(), [&](const methods::Adapted& other) {
        return slots[other.layer].input < 0 || slots[other.layer].input != slots[first->layer].input;
      });
      wrap(slots, {first, end});
      first = end;
    }
    for (auto first = of_stacks.begin(); first != of_stacks.end();) {
      const auto end = std::find_if(first + 1, of_stacks.end(),
                                    [](const methods::Adapted& other) { return !other.tensors.empty(); });
      wrap_stack(slots, {first, end});
      first = end;
    }
    const auto rows = methods::trained_rows(keys_.trainable_token_indices, places);
    std::vector<nn::Parameter*> trained_rows;
    for (const methods::AdapterTensor& tensor : recipe.method->beside(recipe, places))
      trained_rows.push_back(&parameters_.add(tensor.name, tensor.shape));
    allocate(model, compute, device);
    allocate_fixed(compute, device);
    if (!keys_.alora_invocation_tokens.empty()) model.set_invocation(keys_.alora_invocation_tokens);
    if (methods::moves_base(keys_.init_lora_weights)) {
      moved_ = std::make_unique<Moved>(parameters_);
      for (const Layer& layer : layers_) layer.residual->take_out(moved_->window(*layer.a), moved_->window(*layer.b));
    }
    for (std::size_t i = 0; i < rows.size(); ++i) start_rows_.push_back(train_rows(model, rows[i], *trained_rows[i]));
  }

 private:
  /// One adapted layer: A, B, and what else of it there is.
  struct Layer {
    std::string name;
    std::size_t place = 0;  ///< into the model's linears()
    nn::Parameter *a = nullptr, *b = nullptr, *bias = nullptr;
    DoraLinear* dora = nullptr;
    double scale = 1;
    const nn::Linear* base = nullptr;    ///< the frozen layer
    ResidualLinear* residual = nullptr;  ///< around it, where the start takes a part out of that
    bool has_neighbours_a = false;       ///< A is that of the layer before it
  };

  /// What starts took out of the base, in the layout of the parameters: it belongs to a run's state, for another
  /// machine would find it in other bits.
  class Moved final : public nn::TrainingHook {
   public:
    explicit Moved(const nn::ParameterSet& parameters)
        : state_{{"start", at::zeros({parameters.size()}, parameters.flat().options())}} {}
    void add_to(const at::Tensor&) const override {}
    void after_update(std::int64_t, std::int64_t, const at::Tensor&, double) override {}
    const std::vector<State>& state() const override { return state_; }
    at::Tensor window(const nn::Parameter& of) const {
      return state_.front().values.narrow(0, of.offset, of.count()).view(of.shape);
    }

   private:
    std::vector<State> state_;
  };

  nn::TrainingHook* hook() override { return moved_.get(); }

  at::Tensor weight_of(const Layer& layer) {
    model_.make_readable(layer.place);
    return layer.base->weight(at::kFloat);
  }

  /// What quantising a layer's matrix has taken from it; undefined where the start does not ask.
  at::Tensor lost_of(const Layer& layer) {
    if (keys_.init_lora_weights != methods::LoraInit::loftq) return {};
    PST_ASSERT(stored_, "whoever asks for LoftQ says where the files are");
    model_.make_readable(layer.place);
    const at::Tensor used = layer.base->weight(at::kFloat);
    return stored_(layer.name).to(used.device()).sub_(used);
  }

  /// With what was taken out of the base: a plain LoRA of twice the rank, whose update is s (B A - B0 A0).
  methods::Adapter saved_keys() const override {
    methods::Adapter saved = recipe_;
    if (!moved_) return saved;
    auto& keys = saved.as<methods::Lora>();
    const double alphas = keys.use_rslora ? std::sqrt(2.0) : 2;
    keys.r *= 2;
    keys.alpha *= alphas;
    for (auto& [name, rank] : keys.rank_pattern) rank *= 2;
    for (auto& [name, alpha] : keys.alpha_pattern) alpha *= alphas;
    keys.init_lora_weights = methods::LoraInit::kaiming;
    return saved;
  }
  at::Tensor saved_values(const nn::Parameter& tensor) const override {
    if (!moved_) return Adapter::saved_values(tensor);
    if (tensor.name.ends_with(methods::kLoraA)) return at::cat({tensor.value.detach(), moved_->window(tensor)});
    if (tensor.name.ends_with(methods::kLoraB))
      return at::cat({tensor.value.detach(), moved_->window(tensor).neg()}, 1);
    return Adapter::saved_values(tensor);
  }

  nn::Parameter* declare(const std::string& layer, const methods::AdapterTensor& tensor) {
    return &parameters_.add(layer + "." + tensor.name, tensor.shape);
  }

  nn::Parameter* declare_b(const std::string& layer, const methods::AdapterTensor& tensor) {
    return tensor.trained ? declare(layer, tensor) : &fixed_b_.add(layer + "." + tensor.name, tensor.shape);
  }
  void allocate_fixed(at::ScalarType compute, at::Device device) {
    if (fixed_b_.all().empty()) return;
    fixed_b_.allocate(compute, device);
    for (nn::Parameter& b : fixed_b_.all()) {
      b.value.set_requires_grad(false);
      frozen_.push_back({b.name, b.value});
    }
  }

  /// Puts LoRA around layers that read one x, in their order.
  void wrap(std::vector<nn::LinearSlot>& slots, std::span<const methods::Adapted> chosen) {
    const std::size_t first = layers_.size();
    for (const auto& of : chosen) {
      const std::string& name = slots[of.layer].name;
      layers_.push_back({.name = name, .place = of.layer, .a = declare(name, of.tensors[0]), .scale = of.scale});
      modules_.push_back(name);
    }
    for (std::size_t i = 0; i < chosen.size(); ++i)
      layers_[first + i].b = declare_b(layers_[first + i].name, chosen[i].tensors[1]);
    const auto group = std::make_shared<LoraGroup>();
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      Layer& layer = layers_[first + i];
      std::unique_ptr<nn::Linear>& slot = *slots[layer.place].linear;
      layer.base = slot.get();
      if (methods::moves_base(keys_.init_lora_weights)) {
        auto residual = std::make_unique<ResidualLinear>(std::move(slot), layer.scale);
        layer.residual = residual.get();
        slot = std::move(residual);
      }
      slot = keys_.use_dora ? with_sizes(layer, std::move(slot), chosen[i])
                            : plain(layer, std::move(slot), chosen[i], group);
    }
  }
  /// Puts LoRA around all experts of a parameter. The matrices of an expert in it read the same x: they have one A.
  void wrap_stack(std::vector<nn::LinearSlot>& slots, std::span<const methods::Adapted> chosen) {
    const auto folded = [&](std::size_t tensor) {
      const methods::AdapterTensor& whole = chosen.front().tensors[tensor];
      return Folded{.name = cat(chosen.front().stack_module, ".", whole.name), .shape = whole.shape};
    };
    Folded a = folded(0), b = folded(1);
    const auto add = [&](Folded& to, const std::string& name, std::vector<std::int64_t> shape,
                         const methods::StackPart& place) {
      to.parts.push_back({&parameters_.add(name, std::move(shape)), place});
      unsaved_.insert(name);
      return to.parts.back().parameter;
    };
    std::shared_ptr<LoraGroup> group;
    for (const methods::Adapted& of : chosen) {
      const nn::LinearSlot& slot = slots[of.layer];
      const weights::StackPlace& place = *slot.stack;
      Layer layer{.name = slot.name, .place = of.layer, .scale = of.scale};
      layer.has_neighbours_a = group != nullptr && slots[layers_.back().place].stack->expert == place.expert;
      if (!layer.has_neighbours_a) group = std::make_shared<LoraGroup>();
      layer.a = layer.has_neighbours_a
                    ? layers_.back().a
                    : add(a, cat(place.module, ".", place.expert, ".", place.parameter, ".", methods::kLoraA),
                          {of.rank, (*slot.linear)->in_features()}, methods::part_of_a(place, of.rank));
      layer.b = add(b, cat(slot.name, ".", methods::kLoraB), {(*slot.linear)->out_features(), of.rank},
                    methods::part_of_b(place));
      *slot.linear = plain(layer, std::move(*slot.linear), of, group);
      layers_.push_back(std::move(layer));
    }
    folded_.push_back(std::move(a));
    folded_.push_back(std::move(b));
  }
  std::unique_ptr<nn::Linear> plain(Layer& layer, std::unique_ptr<nn::Linear> base, const methods::Adapted& of,
                                    const std::shared_ptr<LoraGroup>& group) {
    auto linear = std::make_unique<LoraLinear>(std::move(base), layer.name,
                                               LoraOptions{.r = of.rank, .scale = of.scale, .dropout = of.dropout},
                                               of.layer, *layer.a, *layer.b);
    if (!keys_.lora_bias) {
      linear->join(group);
      return linear;
    }
    layer.bias = declare(layer.name, of.tensors[2]);
    return std::make_unique<BiasedLinear>(std::move(linear), of.scale, *layer.bias);
  }
  std::unique_ptr<nn::Linear> with_sizes(Layer& layer, std::unique_ptr<nn::Linear> base, const methods::Adapted& of) {
    auto linear = std::make_unique<DoraLinear>(Site{.base = std::move(base),
                                                    .name = layer.name,
                                                    .adapted = of,
                                                    .trained = {layer.a, layer.b, declare(layer.name, of.tensors[2])}});
    layer.dora = linear.get();
    return linear;
  }
  void wrap_embedding(const methods::Adapted& of) {
    const nn::EmbeddingSlot slot = model_.embedding();
    embedding_a_ = declare(slot.name, of.tensors[0]);
    embedding_b_ = declare(slot.name, of.tensors[1]);
    modules_.push_back(slot.name);
    auto embedding =
        std::make_unique<LoraEmbedding>(std::move(*slot.embedding), of.scale, *embedding_a_, *embedding_b_);
    embedding_ = embedding.get();
    *slot.embedding = std::move(embedding);
  }

  void prepare() override {
    at::NoGradGuard no_gradients;
    for (const Layer& layer : layers_) {
      if (!layer.dora) continue;
      model_.make_readable(layer.place);
      layer.dora->prepare();
    }
  }

  void start(const Rng& of_run) override {
    const Rng rng = of_run.child("lora_A");
    const auto found = found_start(keys_);
    for (const Layer& layer : layers_) {
      const Rng own = rng.child(layer.name);
      const at::Tensor lost = lost_of(layer);
      const bool is_lossless = lost.defined() && !lost.any().item().toBool();  // of a layer that stays as it is
      LowRank start = lora_start(
          is_lossless ? methods::LoraInit::kaiming : keys_.init_lora_weights, layer.a->shape[0], layer.a->shape[1],
          layer.b->shape[0], layer.scale, [&] { return lost.defined() ? lost : weight_of(layer); }, own);
      if (found) found->take(layer.name, start);
      if (!layer.has_neighbours_a) layer.a->value.copy_(start.a_ri);
      layer.b->value.copy_(start.b_or);
      if (moved_) {
        moved_->window(*layer.a).copy_(start.a_ri);
        moved_->window(*layer.b).copy_(start.b_or);
      }
      if (layer.bias) layer.bias->value.zero_();
      if (layer.dora) layer.dora->start(own);
    }
    if (embedding_a_) {
      embedding_a_->value.zero_();
      fill_normal(embedding_b_->value, 1, rng.child("embedding"));
    }
    for (const auto& start : start_rows_) start();
  }
  void ready() override {
    Adapter::ready();
    if (!fixed_b_.all().empty()) fixed_b_.refresh_compute();
    for (const Layer& layer : layers_)
      if (layer.dora) layer.dora->loaded();
  }

  /// PEFT writes the whole embedding beside its update.
  bool is_copy_of_base(const weights::Tensor& stored) override {
    const nn::EmbeddingSlot slot = model_.embedding();
    if (!embedding_a_ || stored.name != weights::adapter_tensor_name(cat(slot.name, kCopy))) return false;
    at::NoGradGuard no_gradients;
    const at::Tensor copy_vd =
        ops::tensor_over(const_cast<std::byte*>(stored.bytes.data()), stored.shape, stored.core_dtype());
    model_.make_embedding_readable();
    const at::Tensor& any = embedding_b_->compute;
    for (std::int64_t from = 0; from < slot.vocabulary; from += kRowsAtOnce) {
      const std::int64_t to = std::min(slot.vocabulary, from + kRowsAtOnce);
      const at::Tensor ids = at::arange(from, to, any.options().dtype(at::kLong).requires_grad(false));
      const at::Tensor here = embedding_->base().rows(ids);
      if (!at::equal(here, copy_vd.narrow(0, from, to - from).to(here.options())))
        throw Error(Fault::data, cat("tensor '", stored.name, "' is another embedding than this model's"),
                    "take the model that the adapter was trained on: see base_model_name_or_path in its "
                    "adapter_config.json");
    }
    return true;
  }
  static constexpr const char* kCopy = ".base_layer.weight";
  static constexpr std::int64_t kRowsAtOnce = 4096;

  nn::CausalLm& model_;
  methods::Lora keys_;
  std::vector<Layer> layers_;
  nn::ParameterSet fixed_b_;  // of a start whose B is not trained
  LoraEmbedding* embedding_ = nullptr;
  nn::Parameter *embedding_a_ = nullptr, *embedding_b_ = nullptr;
  std::vector<std::function<void()>> start_rows_;
  std::unique_ptr<Moved> moved_;  // null: the base is whole
};

}  // namespace

std::unique_ptr<Adapter> make_lora(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                   at::Device device) {
  return std::make_unique<LoraAdapter>(model, recipe, compute, device);
}

std::unique_ptr<nn::Linear> low_rank_layer(std::unique_ptr<nn::Linear> base, const std::string& name, std::int64_t r,
                                           std::uint64_t stream, nn::ParameterSet& parameters) {
  return std::make_unique<LoraLinear>(std::move(base), name, LoraOptions{.r = r, .scale = 2}, stream, parameters);
}

}  // namespace pst::peft
