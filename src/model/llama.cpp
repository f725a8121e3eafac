// SPDX-License-Identifier: Apache-2.0
#include "model/llama.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

#include <array>
#include <optional>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/trace.hpp"
#include "model/rope_table.hpp"
#include "nn/before_backward.hpp"
#include "nn/checkpointed.hpp"
#include "ops/exec.hpp"
#include "ops/norm.hpp"
#include "ops/swiglu.hpp"
#include "weights/dtype.hpp"

// Shape letters: n rows (tokens), d hidden, v vocabulary.
namespace pst::model {
namespace {

using nn::Batch;
using nn::Pass;
using nn::TensorPair;

struct Layer {
  at::Tensor attention_norm, mlp_norm;
  std::unique_ptr<nn::Linear> q, k, v, o, gate, up, down;
};

/// Positions of a layer's matrices in its block.
enum Matrix : std::size_t { kQ, kK, kV, kO, kGate, kUp, kDown };
constexpr std::array<const char*, 7> kMatrixNames = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                                     "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
                                                     "mlp.down_proj"};

std::string layer_prefix(std::int64_t layer) { return cat("model.layers.", layer, "."); }

/// One block per layer, in order; then the embedding; then the head, where it is another matrix.
nn::FrozenLayout layout_of(const weights::ModelConfig& config, const weights::TensorStore& tensors, Dtype compute,
                           const std::shared_ptr<const nn::FrozenFormat>& matrices) {
  const std::shared_ptr<const nn::FrozenFormat> dense = nn::dense_format(compute);
  const std::int64_t d = config.hidden_size, f = config.intermediate_size;
  const std::int64_t q = config.num_attention_heads * config.head_dim,
                     kv = config.num_key_value_heads * config.head_dim;
  const std::array<std::array<std::int64_t, 2>, 7> shapes = {
      {{q, d}, {kv, d}, {kv, d}, {d, q}, {f, d}, {f, d}, {d, f}}};
  nn::FrozenLayout layout;
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    nn::FrozenBlock& block = layout.emplace_back(nn::FrozenBlock{cat("layer ", i), nn::FrozenBlock::Role::layer, {}});
    for (std::size_t m = 0; m < kMatrixNames.size(); ++m)
      block.add({tensors, layer_prefix(i) + kMatrixNames[m] + ".weight", shapes[m][0], shapes[m][1]}, matrices);
  }
  const auto end = [&](const char* name, const char* tensor) {
    layout.emplace_back(nn::FrozenBlock{name, nn::FrozenBlock::Role::end, {}})
        .add({tensors, tensor, config.vocab_size, d}, dense);
  };
  end("embedding", "model.embed_tokens.weight");
  if (!config.tie_word_embeddings) end("head", "lm_head.weight");
  return layout;
}

class Llama final : public nn::CausalLm {
 public:
  Llama(const weights::ModelConfig& config, const weights::TensorStore& tensors, Dtype compute,
        const nn::FrozenLayout& layout, std::unique_ptr<nn::FrozenStorage> frozen, std::int64_t positions)
      : config_(config),
        heads_{config.num_attention_heads, config.num_key_value_heads, config.head_dim},
        positions_(positions),
        frozen_(std::move(frozen)),
        embedding_block_(static_cast<std::size_t>(config.num_hidden_layers)),
        head_block_(layout.size() - 1) {
    embedding_ = frozen_->parts(embedding_block_, 0).at(0);
    const at::Device device = embedding_.device();  // the storage says where the model computes
    const ops::RopeTable table = make_rope_table(config, positions);
    table_ = {table.cosines.to(device), table.sines.to(device)};
    const auto vector = [&](const std::string& name) { return load_vector(tensors.get(name), compute).to(device); };
    const auto linear = [&](std::size_t block, std::size_t m, bool biased) {
      const nn::FrozenMatrix& matrix = layout[block].matrices[m];
      std::optional<at::Tensor> bias;
      if (biased) bias = vector(matrix.source.name.substr(0, matrix.source.name.rfind('.')) + ".bias");
      return matrix.format->make(matrix.source, frozen_->parts(block, m), std::move(bias));
    };
    for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
      const auto block = static_cast<std::size_t>(i);
      const bool a = config.attention_bias, m = config.mlp_bias;
      layers_.push_back({vector(layer_prefix(i) + "input_layernorm.weight"),
                         vector(layer_prefix(i) + "post_attention_layernorm.weight"), linear(block, kQ, a),
                         linear(block, kK, a), linear(block, kV, a), linear(block, kO, a), linear(block, kGate, m),
                         linear(block, kUp, m), linear(block, kDown, m)});
    }
    final_norm_ = vector("model.norm.weight");
    head_ = linear(head_block_, 0, false);
  }

  at::Tensor forward(const Batch& batch, const Pass& pass, nn::Recompute recompute) const override {
    frozen_->enter(embedding_block_, 0);
    const at::Tensor x_nd = at::index_select(embedding_, 0, batch.ids);
    // The stream and its normed form travel together: each norm is fused with the addition before it.
    TensorPair state{x_nd, ops::rms_norm(x_nd, layers_.front().attention_norm, config_.rms_norm_eps)};
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const trace::Scope span({.kind = trace::Kind::layer, .layer = static_cast<int>(i)});
      const auto body = [this, i, &batch, pass](const TensorPair& in) { return run_layer(i, in, batch, pass); };
      // Backward outlives this loop, so a checkpointed body owns what it captures.
      state = recompute == nn::Recompute::layers
                  ? nn::checkpointed(
                        [this, i, batch, pass](const TensorPair& in) { return run_layer(i, in, batch, pass); }, state)
                  : body(state);
      if (!frozen_->always_there())
        state = nn::before_backward(state, [this, i] { frozen_->enter(i, block_before(i)); });
    }
    frozen_->enter(head_block_, std::nullopt);
    return state.second;
  }

  at::Tensor continue_document(const at::Tensor& ids, nn::KvCache& cache) const override {
    at::NoGradGuard no_gradients;
    cache.keys.resize(layers_.size());
    cache.values.resize(layers_.size());
    const std::int64_t rows = ids.size(0);
    PST_ASSERT(cache.rows + rows <= positions_, "the caller keeps a document within the positions it asked for");
    const at::Tensor positions = at::arange(cache.rows, cache.rows + rows, ids.options().dtype(at::kInt));
    const auto extend = [](at::Tensor& all, const at::Tensor& fresh) {
      all = all.defined() ? at::cat({all, fresh}) : fresh;
    };

    frozen_->enter(embedding_block_, 0);
    at::Tensor x_nd = at::index_select(embedding_, 0, ids);
    at::Tensor h_nd = ops::rms_norm(x_nd, layers_.front().attention_norm, config_.rms_norm_eps);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Layer& layer = layers_[i];
      frozen_->enter(i, block_after(i));
      const at::Tensor q = layer.q->apply(h_nd), k = layer.k->apply(h_nd);
      ops::rotate(q, heads_.query, positions, table_);
      ops::rotate(k, heads_.key_value, positions, table_);
      extend(cache.keys[i], k);
      extend(cache.values[i], layer.v->apply(h_nd));
      const at::Tensor mixed = ops::cached_attention(q, cache.keys[i], cache.values[i], heads_).contiguous();
      std::tie(x_nd, h_nd) = ops::add_rms_norm(x_nd, layer.o->apply(mixed), layer.mlp_norm, config_.rms_norm_eps);
      const at::Tensor delta = layer.down->apply(ops::swiglu(layer.gate->apply(h_nd), layer.up->apply(h_nd)));
      std::tie(x_nd, h_nd) = ops::add_rms_norm(x_nd, delta, norm_after(i), config_.rms_norm_eps);
    }
    frozen_->enter(head_block_, std::nullopt);
    cache.rows += rows;
    return h_nd;
  }

  const nn::Linear& head() const override { return *head_; }
  const nn::FrozenStorage& frozen() const override { return *frozen_; }
  std::int64_t vocabulary() const override { return config_.vocab_size; }
  std::int64_t max_positions() const override { return positions_; }

  std::vector<nn::LinearSlot> linears() override {
    std::vector<nn::LinearSlot> slots;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Layer& layer = layers_[i];
      const std::array<std::unique_ptr<nn::Linear>*, 7> linears = {&layer.q,    &layer.k,  &layer.v,   &layer.o,
                                                                   &layer.gate, &layer.up, &layer.down};
      constexpr std::array<int, 7> kInputs = {0, 0, 0, 1, 2, 2, 3};  // as run_layer() hands them out
      for (std::size_t m = 0; m < linears.size(); ++m)
        slots.push_back({layer_prefix(static_cast<std::int64_t>(i)) + kMatrixNames[m], linears[m], false,
                         4 * static_cast<int>(i) + kInputs[m]});
    }
    slots.push_back({"lm_head", &head_, true});
    return slots;
  }

 private:
  static at::Tensor load_vector(const weights::Tensor& stored, Dtype compute) {
    at::Tensor vector = at::empty(stored.shape, at::TensorOptions().dtype(ops::scalar_type(compute)));
    nn::pack_values(stored, compute, 0, vector.nbytes(), static_cast<std::byte*>(vector.mutable_data_ptr()));
    return vector;
  }

  // Blocks have the numbers of their layers.
  std::size_t block_after(std::size_t layer) const { return layer + 1 < layers_.size() ? layer + 1 : head_block_; }
  static std::optional<std::size_t> block_before(std::size_t layer) {
    return layer > 0 ? std::optional(layer - 1) : std::nullopt;
  }

  const at::Tensor& norm_after(std::size_t layer) const {
    return layer + 1 < layers_.size() ? layers_[layer + 1].attention_norm : final_norm_;
  }

  TensorPair run_layer(std::size_t index, const TensorPair& in, const Batch& batch, const Pass& pass) const {
    const Layer& layer = layers_[index];
    frozen_->enter(index, block_after(index));
    const auto& [x_nd, h_nd] = in;
    const at::Tensor mixed = mixed_heads(layer, h_nd, batch, pass);
    const auto [y_nd, g_nd] =
        ops::add_rms_norm(x_nd, layer.o->forward(mixed, pass), layer.mlp_norm, config_.rms_norm_eps);
    const at::Tensor delta_nd = layer.down->forward(activated(layer, g_nd, pass), pass);
    return ops::add_rms_norm(y_nd, delta_nd, norm_after(index), config_.rms_norm_eps);
  }
  // What goes into these two is over when they return, unless backward keeps it.
  at::Tensor mixed_heads(const Layer& layer, const at::Tensor& h_nd, const Batch& batch, const Pass& pass) const {
    const auto qkv = nn::forward_together({layer.q.get(), layer.k.get(), layer.v.get()}, "qkv_proj", h_nd, pass);
    return ops::rope_attention(qkv[0], qkv[1], qkv[2], heads_, batch.documents, table_);
  }
  static at::Tensor activated(const Layer& layer, const at::Tensor& g_nd, const Pass& pass) {
    const auto halves = nn::forward_together({layer.gate.get(), layer.up.get()}, "gate_up_proj", g_nd, pass);
    return ops::swiglu(halves[0], halves[1]);
  }

  weights::ModelConfig config_;
  ops::Heads heads_;
  ops::RopeTable table_;
  std::int64_t positions_;
  std::unique_ptr<nn::FrozenStorage> frozen_;
  std::size_t embedding_block_, head_block_;  // one and the same where they are tied
  at::Tensor embedding_;                      // [v, d]
  std::vector<Layer> layers_;
  at::Tensor final_norm_;
  std::unique_ptr<nn::Linear> head_;
};

}  // namespace

std::unique_ptr<nn::CausalLm> load_llama(const weights::ModelConfig& config, const weights::TensorStore& tensors,
                                         at::ScalarType compute, std::shared_ptr<const nn::FrozenFormat> matrices,
                                         const nn::MakeStorage& storage, std::int64_t positions) {
  for (const auto& spec : weights::expected_tensors(config))
    if (const auto& tensor = tensors.get(spec.name);
        weights::is_floating(tensor.dtype) && tensor.shape != spec.shape)  // codes are their format's to check
      throw Error(Fault::data, cat("tensor '", spec.name, "' has another shape than config.json says"),
                  "`peft-studio model inspect` shows what the folder holds");
  if (positions > config.max_position_embeddings)
    throw Error(Fault::usage,
                cat("documents of ", positions, " tokens do not fit the model's ", config.max_position_embeddings,
                    " positions"),
                cat("set data.max_length to at most ", config.max_position_embeddings));
  const Dtype dtype = compute == at::kBFloat16 ? Dtype::bf16 : Dtype::f32;
  const nn::FrozenLayout layout = layout_of(config, tensors, dtype, matrices);
  return std::make_unique<Llama>(config, tensors, dtype, layout, storage(layout), positions);
}

std::unique_ptr<nn::CausalLm> load_llama(const weights::ModelConfig& config, const weights::TensorStore& tensors,
                                         at::ScalarType compute, std::int64_t positions) {
  return load_llama(
      config, tensors, compute, nn::dense_format(compute == at::kBFloat16 ? Dtype::bf16 : Dtype::f32),
      [](const nn::FrozenLayout& layout) { return nn::replicated_storage(layout); }, positions);
}

}  // namespace pst::model
