// SPDX-License-Identifier: Apache-2.0
#include "model/decoder.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/trace.hpp"
#include "model/layout.hpp"
#include "model/rope_table.hpp"
#include "nn/before_backward.hpp"
#include "nn/checkpointed.hpp"
#include "ops/norm.hpp"
#include "ops/swiglu.hpp"
#include "ops/torch_exec.hpp"
#include "weights/dtype.hpp"

// Shape letters: n rows (tokens), d hidden, v vocabulary.
namespace pst::model {
namespace {

using nn::Batch;
using nn::Pass;
using nn::TensorPair;

struct Norm {
  at::Tensor weight;
  double eps = 0;
};

struct Layer {
  Norm attention_norm, mlp_norm;
  ops::Heads heads;
  std::unique_ptr<nn::Linear> q, k, v, o, gate, up, down;
  /// In the order of families::linears_of().
  std::vector<std::unique_ptr<nn::Linear>*> linears() { return {&q, &k, &v, &o, &gate, &up, &down}; }
};

/// What the rows of a pass are: whole documents, or the next ones of a document whose keys and values are kept.
struct Rows {
  ops::Documents documents;
  nn::KvCache* cache = nullptr;
  Pass pass = {};

  /// Few rows without gradients have products of their own (nn::Linear::apply).
  at::Tensor through(const nn::Linear& linear, const at::Tensor& x) const {
    return cache != nullptr ? linear.apply(x) : linear.forward(x, pass);
  }
  std::vector<at::Tensor> through(std::initializer_list<const nn::Linear*> linears, const char* name,
                                  const at::Tensor& x) const {
    if (cache == nullptr) return nn::forward_together(linears, name, x, pass);
    std::vector<at::Tensor> outputs;
    for (const nn::Linear* const linear : linears) outputs.push_back(linear->apply(x));
    return outputs;
  }
};

at::Tensor load_vector(const weights::Tensor& stored, Dtype compute) {
  at::Tensor vector = at::empty(stored.shape, at::TensorOptions().dtype(ops::scalar_type(compute)));
  nn::pack_values(stored, compute, 0, vector.nbytes(), static_cast<std::byte*>(vector.mutable_data_ptr()));
  return vector;
}

class Decoder final : public nn::CausalLm {
 public:
  Decoder(const families::ModelSpec& spec, const weights::TensorStore& tensors, Dtype compute,
          const nn::FrozenLayout& layout, std::unique_ptr<nn::FrozenStorage> frozen, std::int64_t positions)
      : spec_(spec),
        positions_(positions),
        frozen_(std::move(frozen)),
        embedding_block_(spec.layers.size()),
        head_block_(layout.size() - 1) {
    embedding_ = frozen_->parts(embedding_block_, 0).at(0);
    const at::Device device = embedding_.device();  // the storage says where the model computes
    const ops::RopeTable table = make_rope_table(spec.rope, positions);
    table_ = {table.cosines.to(device), table.sines.to(device)};
    const auto vector = [&](const std::string& name) { return load_vector(tensors.get(name), compute).to(device); };
    const auto norm = [&](const families::NormSpec& n) { return Norm{vector(n.name + ".weight"), n.eps}; };
    const auto linear = [&](std::size_t block, std::size_t m, const families::LinearSpec& of) {
      const nn::FrozenMatrix& matrix = layout[block].matrices[m];
      std::optional<at::Tensor> bias;
      if (of.bias) bias = vector(of.name + ".bias");
      return matrix.format->make(matrix.source, frozen_->parts(block, m), std::move(bias));
    };
    for (std::size_t i = 0; i < spec.layers.size(); ++i) {
      const families::LayerSpec& of = spec.layers[i];
      Layer& layer = layers_.emplace_back();
      layer.attention_norm = norm(of.attention_norm);
      layer.mlp_norm = norm(of.mlp_norm);
      layer.heads = {of.attention.query_heads, of.attention.key_value_heads, of.attention.head_dim,
                     of.attention.window};
      const auto specs = families::linears_of(of);
      const auto linears = layer.linears();
      for (std::size_t m = 0; m < linears.size(); ++m) *linears[m] = linear(i, m, *specs[m]);
    }
    final_norm_ = norm(spec.final_norm);
    head_ = linear(head_block_, 0, spec.head);
  }

  at::Tensor forward(const Batch& batch, const Pass& pass, nn::Recompute recompute) const override {
    return run(batch.ids, {.documents = batch.documents, .pass = pass}, recompute);
  }

  at::Tensor continue_document(const at::Tensor& ids, nn::KvCache& cache) const override {
    at::NoGradGuard no_gradients;
    cache.keys.resize(layers_.size());
    cache.values.resize(layers_.size());
    const std::int64_t rows = ids.size(0);
    PST_ASSERT(cache.rows + rows <= positions_, "the caller keeps a document within the positions it asked for");
    const at::Tensor positions = at::arange(cache.rows, cache.rows + rows, ids.options().dtype(at::kInt));
    const at::Tensor hidden =
        run(ids, {.documents = {.positions = positions}, .cache = &cache}, nn::Recompute::nothing);
    cache.rows += rows;
    return hidden;
  }

  const nn::Linear& head() const override { return *head_; }
  const nn::FrozenStorage& frozen() const override { return *frozen_; }
  std::int64_t vocabulary() const override { return spec_.vocabulary; }
  std::int64_t max_positions() const override { return positions_; }
  std::int64_t attention_pairs(std::int64_t rows) const override { return families::attention_pairs(spec_, rows); }

  std::vector<nn::LinearSlot> linears() override {
    std::vector<nn::LinearSlot> slots;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const auto specs = families::linears_of(spec_.layers[i]);
      const auto linears = layers_[i].linears();
      constexpr int kInputs = 4;  // values of families::Reads
      for (std::size_t m = 0; m < linears.size(); ++m)
        slots.push_back(
            {specs[m]->name, linears[m], false, kInputs * static_cast<int>(i) + static_cast<int>(specs[m]->reads)});
    }
    slots.push_back({spec_.head.name, &head_, true});
    return slots;
  }

 private:
  /// @return [n, d]: the final norm's output
  at::Tensor run(const at::Tensor& ids, const Rows& rows, nn::Recompute recompute) const {
    frozen_->enter(embedding_block_, 0);
    const at::Tensor x_nd = at::index_select(embedding_, 0, ids);
    // The stream and its normed form travel together: each norm is fused with the addition before it.
    const Norm& first = layers_.front().attention_norm;
    TensorPair state{x_nd, ops::rms_norm(x_nd, first.weight, first.eps)};
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const trace::Scope span({.kind = trace::Kind::layer, .layer = static_cast<int>(i)});
      // Backward outlives this loop, so a checkpointed body owns what it captures.
      state = recompute == nn::Recompute::layers
                  ? nn::checkpointed([this, i, rows](const TensorPair& in) { return run_layer(i, in, rows); }, state)
                  : run_layer(i, state, rows);
      if (!frozen_->always_there())
        state = nn::before_backward(state, [this, i] { frozen_->enter(i, block_before(i)); });
    }
    frozen_->enter(head_block_, std::nullopt);
    return state.second;
  }

  TensorPair run_layer(std::size_t index, const TensorPair& in, const Rows& rows) const {
    const Layer& layer = layers_[index];
    frozen_->enter(index, block_after(index));
    const auto& [x_nd, h_nd] = in;
    const at::Tensor mixed = mixed_heads(index, h_nd, rows);
    const auto [y_nd, g_nd] =
        ops::add_rms_norm(x_nd, rows.through(*layer.o, mixed), layer.mlp_norm.weight, layer.mlp_norm.eps);
    const at::Tensor delta_nd = rows.through(*layer.down, activated(layer, g_nd, rows));
    const Norm& next = norm_after(index);
    return ops::add_rms_norm(y_nd, delta_nd, next.weight, next.eps);
  }

  // What goes into these two is over when they return, unless backward keeps it.
  at::Tensor mixed_heads(std::size_t index, const at::Tensor& h_nd, const Rows& rows) const {
    const Layer& layer = layers_[index];
    const auto qkv = rows.through({layer.q.get(), layer.k.get(), layer.v.get()}, "qkv_proj", h_nd);
    if (rows.cache == nullptr) return ops::rope_attention(qkv[0], qkv[1], qkv[2], layer.heads, rows.documents, table_);
    ops::rotate(qkv[0], layer.heads.query, rows.documents.positions, table_);
    ops::rotate(qkv[1], layer.heads.key_value, rows.documents.positions, table_);
    const auto extended = [](at::Tensor& all, const at::Tensor& fresh) -> const at::Tensor& {
      return all = all.defined() ? at::cat({all, fresh}) : fresh;
    };
    return ops::cached_attention(qkv[0], extended(rows.cache->keys[index], qkv[1]),
                                 extended(rows.cache->values[index], qkv[2]), layer.heads)
        .contiguous();
  }
  static at::Tensor activated(const Layer& layer, const at::Tensor& g_nd, const Rows& rows) {
    const auto halves = rows.through({layer.gate.get(), layer.up.get()}, "gate_up_proj", g_nd);
    return ops::swiglu(halves[0], halves[1]);
  }

  // Blocks have the numbers of their layers.
  std::size_t block_after(std::size_t layer) const { return layer + 1 < layers_.size() ? layer + 1 : head_block_; }
  static std::optional<std::size_t> block_before(std::size_t layer) {
    return layer > 0 ? std::optional(layer - 1) : std::nullopt;
  }

  const Norm& norm_after(std::size_t layer) const {
    return layer + 1 < layers_.size() ? layers_[layer + 1].attention_norm : final_norm_;
  }

  families::ModelSpec spec_;
  ops::RopeTable table_;
  std::int64_t positions_;
  std::unique_ptr<nn::FrozenStorage> frozen_;
  std::size_t embedding_block_, head_block_;  // one and the same where they are tied
  at::Tensor embedding_;                      // [v, d]
  std::vector<Layer> layers_;
  Norm final_norm_;
  std::unique_ptr<nn::Linear> head_;
};

}  // namespace

std::unique_ptr<nn::CausalLm> load(const families::ModelSpec& spec, const weights::TensorStore& tensors,
                                   at::ScalarType compute, std::shared_ptr<const nn::FrozenFormat> matrices,
                                   const nn::MakeStorage& storage, std::int64_t positions) {
  for (const auto& expected : families::tensors_of(spec))
    if (const auto& tensor = tensors.get(expected.name);
        weights::is_floating(tensor.dtype) && tensor.shape != expected.shape)  // codes are their format's to check
      throw Error(Fault::data, cat("tensor '", expected.name, "' has another shape than config.json says"),
                  "`peft-studio model inspect` shows what the folder holds");
  if (positions > spec.positions)
    throw Error(Fault::usage,
                cat("documents of ", positions, " tokens do not fit the model's ", spec.positions, " positions"),
                cat("set data.max_length to at most ", spec.positions));
  const Dtype dtype = compute == at::kBFloat16 ? Dtype::bf16 : Dtype::f32;
  const nn::FrozenLayout layout = layout_of(spec, tensors, dtype, matrices);
  return std::make_unique<Decoder>(spec, tensors, dtype, layout, storage(layout), positions);
}

std::unique_ptr<nn::CausalLm> load(const families::ModelSpec& spec, const weights::TensorStore& tensors,
                                   at::ScalarType compute, std::int64_t positions) {
  return load(
      spec, tensors, compute, nn::dense_format(compute == at::kBFloat16 ? Dtype::bf16 : Dtype::f32),
      [](const nn::FrozenLayout& layout) { return nn::replicated_storage(layout); }, positions);
}

}  // namespace pst::model
