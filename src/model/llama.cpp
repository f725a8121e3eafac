#include "model/llama.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/trace.hpp"
#include "model/rope_table.hpp"
#include "nn/checkpointed.hpp"
#include "ops/exec.hpp"
#include "ops/norm.hpp"
#include "ops/swiglu.hpp"

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

class Llama final : public nn::CausalLm {
 public:
  Llama(const weights::ModelConfig& config, const weights::TensorStore& tensors, at::ScalarType dtype,
        std::int64_t positions)
      : config_(config),
        heads_{config.num_attention_heads, config.num_key_value_heads, config.head_dim},
        table_(make_rope_table(config, positions)),
        positions_(positions) {
    const auto tensor = [&](const std::string& name) { return load(tensors, name, dtype); };
    const auto linear = [&](const std::string& name, bool biased) -> std::unique_ptr<nn::Linear> {
      return std::make_unique<nn::DenseLinear>(tensor(name + ".weight"),
                                               biased ? std::optional(tensor(name + ".bias")) : std::nullopt);
    };
    embedding_ = tensor("model.embed_tokens.weight");
    for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
      const std::string at = cat("model.layers.", i, ".");
      layers_.push_back({tensor(at + "input_layernorm.weight"), tensor(at + "post_attention_layernorm.weight"),
                         linear(at + "self_attn.q_proj", config.attention_bias),
                         linear(at + "self_attn.k_proj", config.attention_bias),
                         linear(at + "self_attn.v_proj", config.attention_bias),
                         linear(at + "self_attn.o_proj", config.attention_bias),
                         linear(at + "mlp.gate_proj", config.mlp_bias), linear(at + "mlp.up_proj", config.mlp_bias),
                         linear(at + "mlp.down_proj", config.mlp_bias)});
    }
    final_norm_ = tensor("model.norm.weight");
    head_ = config.tie_word_embeddings ? std::make_unique<nn::DenseLinear>(embedding_, std::nullopt)
                                       : linear("lm_head", false);
  }

  at::Tensor forward(const Batch& batch, const Pass& pass, nn::Recompute recompute) const override {
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
    }
    return state.second;
  }

  at::Tensor continue_document(const at::Tensor& ids, nn::KvCache& cache) const override {
    at::NoGradGuard no_gradients;
    cache.keys.resize(layers_.size());
    cache.values.resize(layers_.size());
    const std::int64_t rows = ids.size(0);
    PST_ASSERT(cache.rows + rows <= positions_, "the caller keeps a document within the positions it asked for");
    const at::Tensor positions = at::arange(cache.rows, cache.rows + rows, at::kInt);
    const auto extend = [](at::Tensor& all, const at::Tensor& fresh) {
      all = all.defined() ? at::cat({all, fresh}) : fresh;
    };

    at::Tensor x_nd = at::index_select(embedding_, 0, ids);
    at::Tensor h_nd = ops::rms_norm(x_nd, layers_.front().attention_norm, config_.rms_norm_eps);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Layer& layer = layers_[i];
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
    cache.rows += rows;
    return h_nd;
  }

  const nn::Linear& head() const override { return *head_; }
  std::int64_t vocabulary() const override { return config_.vocab_size; }
  std::int64_t max_positions() const override { return positions_; }

  std::vector<nn::LinearSlot> linears() override {
    std::vector<nn::LinearSlot> slots;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Layer& layer = layers_[i];
      const std::string at = cat("model.layers.", i, ".");
      for (auto& [name, linear] : {std::pair{"self_attn.q_proj", &layer.q},
                                   {"self_attn.k_proj", &layer.k},
                                   {"self_attn.v_proj", &layer.v},
                                   {"self_attn.o_proj", &layer.o},
                                   {"mlp.gate_proj", &layer.gate},
                                   {"mlp.up_proj", &layer.up},
                                   {"mlp.down_proj", &layer.down}})
        slots.push_back({at + name, linear, false});
    }
    slots.push_back({"lm_head", &head_, true});
    return slots;
  }

 private:
  static at::Tensor load(const weights::TensorStore& tensors, const std::string& name, at::ScalarType dtype) {
    const weights::Tensor& stored = tensors.get(name);
    // const_cast: from_blob takes no const memory; the mapping is only read by the copy on the next line.
    const at::Tensor mapped =
        ops::tensor_over(const_cast<std::byte*>(stored.bytes.data()), stored.shape, stored.core_dtype());
    at::Tensor copy = at::empty(stored.shape, dtype);
    copy.copy_(mapped);
    return copy;
  }

  const at::Tensor& norm_after(std::size_t layer) const {
    return layer + 1 < layers_.size() ? layers_[layer + 1].attention_norm : final_norm_;
  }

  TensorPair run_layer(std::size_t index, const TensorPair& in, const Batch& batch, const Pass& pass) const {
    const Layer& layer = layers_[index];
    const auto& [x_nd, h_nd] = in;
    const at::Tensor mixed = ops::rope_attention(layer.q->forward(h_nd, pass), layer.k->forward(h_nd, pass),
                                                 layer.v->forward(h_nd, pass), heads_, batch.documents, table_);
    const auto [y_nd, g_nd] =
        ops::add_rms_norm(x_nd, layer.o->forward(mixed, pass), layer.mlp_norm, config_.rms_norm_eps);
    const at::Tensor inner = ops::swiglu(layer.gate->forward(g_nd, pass), layer.up->forward(g_nd, pass));
    return ops::add_rms_norm(y_nd, layer.down->forward(inner, pass), norm_after(index), config_.rms_norm_eps);
  }

  weights::ModelConfig config_;
  ops::Heads heads_;
  ops::RopeTable table_;
  std::int64_t positions_;
  at::Tensor embedding_;  // [v, d]
  std::vector<Layer> layers_;
  at::Tensor final_norm_;
  std::unique_ptr<nn::Linear> head_;
};

}  // namespace

std::unique_ptr<nn::CausalLm> load_llama(const weights::ModelConfig& config, const weights::TensorStore& tensors,
                                         at::ScalarType dtype, std::int64_t positions) {
  for (const auto& spec : weights::expected_tensors(config))
    if (tensors.get(spec.name).shape != spec.shape)
      throw Error(Fault::data, cat("tensor '", spec.name, "' has another shape than config.json says"),
                  "`peft-studio model inspect` shows what the folder holds");
  if (positions > config.max_position_embeddings)
    throw Error(Fault::usage,
                cat("documents of ", positions, " tokens do not fit the model's ", config.max_position_embeddings,
                    " positions"),
                cat("set data.max_length to at most ", config.max_position_embeddings));
  return std::make_unique<Llama>(config, tensors, dtype, positions);
}

}  // namespace pst::model
