// SPDX-License-Identifier: Apache-2.0
#include "model/decoder.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/scalar_tensor.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/trace.hpp"
#include "families/peft_names.hpp"
#include "model/continuation.hpp"
#include "model/decoder_layer.hpp"
#include "model/embedding_noise.hpp"
#include "model/frozen_embedding.hpp"
#include "model/invocation.hpp"
#include "model/layout.hpp"
#include "model/rope_table.hpp"
#include "nn/before_backward.hpp"
#include "nn/checkpointed.hpp"
#include "ops/capped.hpp"
#include "ops/columns.hpp"
#include "ops/torch_exec.hpp"
#include "weights/dtype.hpp"

// Shape letters: n rows (tokens), m rows of them, d hidden, v vocabulary.
namespace pst::model {
namespace {

using nn::Batch;
using nn::Pass;
using nn::TensorPair;

class Decoder final : public nn::CausalLm {
 public:
  Decoder(const families::ModelSpec& spec, const weights::TensorStore& tensors, Dtype compute,
          const nn::FrozenLayout& layout, std::unique_ptr<nn::FrozenStorage> frozen, std::int64_t positions,
          double noise)
      : spec_(spec),
        positions_(positions),
        noise_(noise),
        frozen_(std::move(frozen)),
        embedding_block_(spec.layers.size()),
        head_block_(layout.size() - 1),
        invocation_(ops::scalar_type(compute)) {
    const at::Tensor& matrix = frozen_->parts(embedding_block_, 0).at(0);
    embedding_ = std::make_unique<FrozenEmbedding>(matrix, ops::scalar_type(compute));
    device_ = matrix.device();  // the storage says where the model computes
    rows_like_ = at::TensorOptions().dtype(ops::scalar_type(compute)).device(device_);
    const Parts parts(tensors, compute, layout, *frozen_, device_);
    std::vector<RopeTables> tables;
    for (const families::RopeSpec& rope : spec.ropes) tables.push_back(make_rope_tables(rope, positions, device_));
    if (spec.position_table) position_table_ = parts.tensor(spec.position_table->name + ".weight");
    if (spec.project_in) project_in_ = parts.own_linear(*spec.project_in);
    if (spec.project_out) project_out_ = parts.own_linear(*spec.project_out);
    embedding_norm_ = parts.norm(spec.embedding_norm);
    if (const auto& vectors = spec.token_vectors) {
      token_table_ = parts.tensor(vectors->name + ".weight");
      token_projection_ = parts.own_linear(vectors->projection);
      token_norm_ = parts.norm(vectors->norm);
    }
    for (std::size_t i = 0; i < spec.layers.size(); ++i)
      layers_.push_back(make_layer(spec.layers[i], i, tables, parts));
    final_norm_ = parts.norm(spec.final_norm);
    head_ = parts.linear(head_block_, 0, spec.head);
  }

  at::Tensor forward(const Batch& batch, const Pass& pass, nn::Recompute recompute) const override {
    Rows rows{.documents = batch.documents, .pass = pass};
    rows.pass.active = invocation_.active(batch.ids, batch.documents.positions);
    if (virtual_tokens_) {
      rows.prompted = std::make_shared<Prompted>(prompted(batch.documents, virtual_tokens_->count()));
      rows.documents = rows.prompted->documents;
    }
    if (virtual_keys_) {
      rows.virtual_keys = virtual_keys_.get();
      rows.prompted = std::make_shared<Prompted>(prompted(batch.documents, virtual_keys_->count()));
      rows.documents.positions = batch.documents.positions + virtual_keys_->count();
    }
    for (const families::RopeSpec& rope : spec_.ropes)
      rows.angles.push_back(table_rows(rope, rows.documents, positions_));
    const at::Tensor hidden = run(batch.ids, rows, recompute);
    return virtual_tokens_ ? rows.prompted->without(hidden) : hidden;
  }

  at::Tensor continue_sequences(const at::Tensor& ids, std::span<const nn::Continued> parts,
                                nn::KvPages& pages) const override {
    at::NoGradGuard no_gradients;
    if (virtual_keys_) {
      std::vector<ops::Heads> heads;
      for (const Layer& layer : layers_) heads.push_back(layer.attention ? layer.attention->heads() : ops::Heads());
      write_virtual_keys(*virtual_keys_, heads, parts, pages);
    }
    const Continuation to = continue_in(pages, parts, virtual_tokens_ ? virtual_tokens_->count() : 0, positions_);
    Rows rows = rows_of(to, spec_, positions_, device_);
    rows.pass.active = invocation_.active_next(parts, device_);
    return seen(run(ids, rows, nn::Recompute::nothing), to, parts);
  }

  std::int64_t virtual_rows() const override {
    return (virtual_tokens_ ? virtual_tokens_->count() : 0) + (virtual_keys_ ? virtual_keys_->count() : 0);
  }
  std::int64_t kind_of_length(std::int64_t longest) const override {
    return model::kind_of_length(spec_, longest, positions_);
  }
  std::int64_t active_from(std::span<const std::int32_t> prompt) const override {
    return invocation_.active_from(prompt);
  }
  bool keeps_states() const override {
    return std::any_of(spec_.layers.begin(), spec_.layers.end(), [](const auto& layer) { return bool(layer.delta); });
  }
  at::TensorOptions rows_like() const override { return rows_like_; }

  at::Tensor logits(const at::Tensor& rows_md) const override {
    const auto& [scale, cap] = spec_.logits;
    at::Tensor logits_mv = at::GradMode::is_enabled() ? head_->forward(rows_md, {}) : head_->apply(rows_md);
    // The last step keeps nothing of its output: the loss may write over it.
    if (cap > 0) return ops::capped(std::move(logits_mv), scale, cap);
    return scale != 1 ? logits_mv.mul_(scale) : logits_mv;
  }

  const nn::FrozenStorage& frozen() const override { return *frozen_; }
  std::int64_t vocabulary() const override { return spec_.vocabulary; }
  std::int64_t max_positions() const override { return positions_; }
  std::int64_t attention_pairs(std::int64_t rows) const override { return families::attention_pairs(spec_, rows); }

  std::vector<nn::LinearSlot> linears() override {
    std::vector<nn::LinearSlot> slots;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const auto specs = families::matrices_of(spec_.layers[i]);
      const auto linears = layers_[i].linears();
      for (std::size_t m = 0; m < linears.size(); ++m)
        slots.push_back({.name = specs[m]->name,
                         .linear = linears[m],
                         .bias = specs[m]->bias,
                         .input = families::kReads * static_cast<int>(i) + static_cast<int>(specs[m]->reads)});
      const auto experts = layers_[i].moe ? layers_[i].moe->experts() : std::vector<std::unique_ptr<nn::Linear>*>();
      for (std::size_t m = 0; m < experts.size(); ++m)
        slots.push_back({.name = specs[linears.size() + m]->name,
                         .linear = experts[m],
                         .bias = specs[linears.size() + m]->bias,
                         .is_expert = true,
                         .stack = specs[linears.size() + m]->stack});
    }
    if (project_in_)
      slots.push_back({.name = spec_.project_in->name, .linear = &project_in_, .bias = spec_.project_in->bias});
    if (project_out_)
      slots.push_back({.name = spec_.project_out->name, .linear = &project_out_, .bias = spec_.project_out->bias});
    if (token_projection_)
      slots.push_back({.name = spec_.token_vectors->projection.name, .linear = &token_projection_});
    slots.push_back({.name = spec_.head.name, .linear = &head_, .bias = spec_.head.bias, .is_output_head = true});
    for (const std::string_view ending : families::peft_default_targets(spec_.model_type))
      for (nn::LinearSlot& slot : slots) slot.is_default = slot.is_default || slot.name.ends_with(cat(".", ending));
    return slots;
  }

  std::vector<nn::NormSlot> norms() override {
    std::vector<nn::NormSlot> slots;
    const auto specs = families::stored_norms(spec_);
    const auto add = [&](ops::Norm* norm, const std::optional<families::NormSpec>& spec) {
      if (slots.size() < specs.size() && spec && &*spec == specs[slots.size()])
        slots.push_back({.name = spec->name, .norm = norm, .offset = spec->offset});
    };
    const auto of = [](std::optional<ops::Norm>& norm) { return norm ? &*norm : nullptr; };
    add(of(embedding_norm_), spec_.embedding_norm);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Layer& layer = layers_[i];
      const families::LayerSpec& spec = spec_.layers[i];
      add(of(layer.attention_norm), spec.attention_norm);
      if (layer.attention) {
        add(layer.attention->query_norm(), spec.attention.q_norm);
        add(layer.attention->key_norm(), spec.attention.k_norm);
      }
      add(of(layer.attention_out_norm), spec.attention_out_norm);
      add(of(layer.mlp_norm), spec.mlp_norm);
      add(of(layer.mlp_out_norm), spec.mlp_out_norm);
    }
    add(of(final_norm_), spec_.final_norm);
    PST_ASSERT(slots.size() == specs.size(), "every stored norm has a place");
    return slots;
  }

  nn::EmbeddingSlot embedding() override {
    return {.name = spec_.embedding,
            .embedding = &embedding_,
            .vocabulary = spec_.vocabulary,
            .width = spec_.table_width(),
            .is_head = spec_.tied_head};
  }
  void make_embedding_readable() override { frozen_->enter(embedding_block_, std::nullopt); }
  std::int64_t hidden() const override { return spec_.hidden; }
  std::vector<std::int64_t> key_values() const override {
    std::vector<std::int64_t> widths;
    for (const auto& layer : spec_.layers) widths.push_back(layer.delta ? 0 : layer.attention.key_value());
    return widths;
  }
  void set_virtual_tokens(std::unique_ptr<nn::VirtualTokens> tokens) override { virtual_tokens_ = std::move(tokens); }
  void set_virtual_keys(std::unique_ptr<nn::VirtualKeys> keys) override { virtual_keys_ = std::move(keys); }

  void set_invocation(std::vector<std::int64_t> tokens) override { invocation_.set(std::move(tokens)); }

  void make_readable(std::size_t linear) override {
    std::size_t end = 0;
    for (std::size_t i = 0; i < spec_.layers.size(); ++i) {
      end += families::matrices_of(spec_.layers[i]).size();
      if (linear < end) return frozen_->enter(i, std::nullopt);
    }
    frozen_->enter(head_block_, std::nullopt);  // or a small one, which is always there
  }

 private:
  /// @return [n, d]: the final norm's output
  at::Tensor run(const at::Tensor& ids, const Rows& rows, nn::Recompute recompute) const {
    frozen_->enter(embedding_block_, 0);
    const at::Tensor x_nd = stream_of(ids, rows);
    // The stream and what the next layer reads travel together: each norm is fused with the addition before it.
    const auto& first = layers_.front().attention_norm;
    TensorPair state = first ? TensorPair{x_nd, ops::norm(x_nd, *first)} : twice(x_nd);
    const std::vector<at::Tensor> vectors = token_vectors(ids, x_nd, rows);
    std::vector<AttentionLayer::Shared> lent(layers_.size());
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const trace::Scope span({.kind = trace::Kind::layer, .layer = static_cast<int>(i)});
      // Backward outlives this loop, so a checkpointed body owns what it captures.
      const auto run = [this, i, rows](const nn::TensorList& in) { return run_layer(i, in, rows); };
      const nn::TensorList in = inputs_of(i, state, lent, vectors);
      const nn::TensorList out = recompute == nn::Recompute::layers ? nn::checkpointed(run, in) : run(in);
      state = {out[0], out[1]};
      if (out.size() > 2) lent[i] = {out[2], out[3]};
      if (!frozen_->always_there())
        state = nn::before_backward(state, [this, i] { frozen_->enter(i, block_before(i)); });
    }
    frozen_->enter(head_block_, std::nullopt);
    return project_out_ ? rows.through(*project_out_, state.second) : state.second;
  }

  /// What tokens come in as, virtual ones before each document's.
  at::Tensor stream_of(const at::Tensor& ids, const Rows& rows) const {
    at::Tensor x_nd = embeddings(spec_, embedding_->rows(ids), rows, noise_);
    if (virtual_tokens_) {
      x_nd = rows.continued == nullptr ? rows.prompted->with(virtual_tokens_->rows(), x_nd)
                                       : behind_virtual_tokens(x_nd, *rows.continued, *virtual_tokens_);
    }
    if (project_in_) x_nd = rows.through(*project_in_, x_nd);
    if (const auto& table = spec_.position_table)
      x_nd = x_nd + at::index_select(position_table_, 0, rows.documents.positions + table->first);
    return embedding_norm_ ? ops::norm(x_nd, *embedding_norm_) : x_nd;
  }

  /// The vectors that each layer has of each token, or nothing.
  std::vector<at::Tensor> token_vectors(const at::Tensor& ids, const at::Tensor& x_nd, const Rows& rows) const {
    if (!spec_.token_vectors) return {};
    const std::int64_t width = spec_.token_vectors->width;
    const auto times = [](const at::Tensor& x, double factor) {
      return x * at::scalar_tensor(factor, x.options().requires_grad(false));
    };
    const at::Tensor made =
        times(rows.through(*token_projection_, x_nd), 1 / std::sqrt(static_cast<double>(spec_.hidden)));
    const at::Tensor own = times(at::index_select(token_table_, 0, ids), std::sqrt(static_cast<double>(width)));
    return ops::split_columns(times(ops::norm(made, *token_norm_) + own, std::sqrt(0.5)), 1,
                              std::vector<std::int64_t>(layers_.size(), width));
  }

  /// The stream and its norm; keys and values of another layer; the tokens' own vectors: what a layer has of them.
  nn::TensorList inputs_of(std::size_t index, const TensorPair& state, const std::vector<AttentionLayer::Shared>& lent,
                           const std::vector<at::Tensor>& vectors) const {
    nn::TensorList in{state.first, state.second};
    const auto& lender = spec_.layers[index].attention.borrows;
    if (lender && lent[*lender].k.defined())  // else they are in the cache
      for (const at::Tensor& rows : {lent[*lender].k, lent[*lender].v}) in.push_back(rows);
    if (spec_.layers[index].token_gate) in.push_back(vectors[index]);
    return in;
  }

  /// @param in  as inputs_of() has it
  /// @return    the stream and its norm; keys and values that it lends
  nn::TensorList run_layer(std::size_t index, const nn::TensorList& in, const Rows& rows) const {
    AttentionLayer::Shared shared;
    const families::AttentionSpec& attention = spec_.layers[index].attention;
    if (attention.borrows && rows.continued == nullptr) shared = {in[2], in[3]};
    const TensorPair state = run_layer(index, {in[0], in[1]}, shared, in.back(), rows);
    nn::TensorList out{state.first, state.second};
    if (attention.lends && shared.k.defined())
      for (const at::Tensor& rows_of : {shared.k, shared.v}) out.push_back(rows_of);
    return out;
  }

  /// @param vectors  the tokens' own, where the layer has a gate for them
  TensorPair run_layer(std::size_t index, const TensorPair& in, AttentionLayer::Shared& shared,
                       const at::Tensor& vectors, const Rows& rows) const {
    const Layer& layer = layers_[index];
    const families::LayerSpec& spec = spec_.layers[index];
    frozen_->enter(index, block_after(index));
    const auto& [x_nd, h_nd] = in;
    at::Tensor mixed_nd = added(layer.mixed(h_nd, rows, shared), layer.attention_out_norm, spec);
    if (spec.parallel) {
      const at::Tensor g_nd = layer.mlp_norm ? ops::norm(x_nd, *layer.mlp_norm) : h_nd;
      return sum_and_norm(x_nd, mixed_nd + added(layer.through_mlp(g_nd, x_nd, rows), layer.mlp_out_norm, spec),
                          norm_after(index));
    }
    TensorPair middle;
    if (spec.norms_sum) {
      middle.first = middle.second = ops::add_norm(x_nd, mixed_nd, *layer.attention_out_norm).second;
    } else {
      middle = sum_and_norm(x_nd, mixed_nd, layer.mlp_norm);
    }
    const auto& [y_nd, g_nd] = middle;
    const at::Tensor delta_nd = added(layer.through_mlp(g_nd, y_nd, rows), layer.mlp_out_norm, spec);
    if (layer.scalar.defined()) {
      at::Tensor sum_nd = y_nd + delta_nd;
      if (layer.token_gate) sum_nd = sum_nd + layer.token_gate->run(sum_nd, vectors, rows);
      sum_nd = sum_nd * layer.scalar;
      const auto& next = norm_after(index);
      return next ? TensorPair{sum_nd, ops::norm(sum_nd, *next)} : twice(sum_nd);
    }
    if (!spec.norms_sum) return sum_and_norm(y_nd, delta_nd, norm_after(index));
    const at::Tensor out_nd = ops::add_norm(y_nd, delta_nd, *layer.mlp_out_norm).second;
    return twice(out_nd);
  }

  /// The stream, and the same as what the next layer reads: a step of its own, so that the gradients of those who read
  /// it meet before they join the stream's, as they do where a layer is computed again or its weights are fetched.
  static TensorPair twice(const at::Tensor& x_nd) { return {x_nd, x_nd.view_as(x_nd)}; }

  /// What a part of a layer adds to the stream.
  static at::Tensor added(at::Tensor made_nd, const std::optional<ops::Norm>& norm, const families::LayerSpec& spec) {
    if (norm && !spec.norms_sum) made_nd = ops::norm(made_nd, *norm);
    return spec.residual_scale != 1 ? made_nd * spec.residual_scale : made_nd;
  }
  static TensorPair sum_and_norm(const at::Tensor& x_nd, const at::Tensor& delta_nd,
                                 const std::optional<ops::Norm>& norm) {
    if (norm) return ops::add_norm(x_nd, delta_nd, *norm);
    return twice(x_nd + delta_nd);
  }

  // Blocks have the numbers of their layers.
  std::size_t block_after(std::size_t layer) const { return layer + 1 < layers_.size() ? layer + 1 : head_block_; }
  static std::optional<std::size_t> block_before(std::size_t layer) {
    return layer > 0 ? std::optional(layer - 1) : std::nullopt;
  }

  const std::optional<ops::Norm>& norm_after(std::size_t layer) const {
    return layer + 1 < layers_.size() ? layers_[layer + 1].attention_norm : final_norm_;
  }

  families::ModelSpec spec_;
  std::int64_t positions_;
  double noise_;
  std::unique_ptr<nn::FrozenStorage> frozen_;
  std::size_t embedding_block_, head_block_;  // one and the same where they are tied
  at::Device device_ = at::kCPU;
  at::TensorOptions rows_like_;
  std::unique_ptr<nn::Embedding> embedding_;
  std::unique_ptr<nn::VirtualTokens> virtual_tokens_;
  std::unique_ptr<nn::VirtualKeys> virtual_keys_;
  Invocation invocation_;
  std::unique_ptr<nn::Linear> project_in_, project_out_;  // where embedding and head are narrower than the stream
  at::Tensor position_table_;                             // [positions, d], or undefined
  std::optional<ops::Norm> embedding_norm_, final_norm_;
  at::Tensor token_table_;  // [rows, layers * width], or undefined
  std::unique_ptr<nn::Linear> token_projection_;
  std::optional<ops::Norm> token_norm_;
  std::vector<Layer> layers_;
  std::unique_ptr<nn::Linear> head_;
};

}  // namespace

std::unique_ptr<nn::CausalLm> load(const families::ModelSpec& spec, const weights::TensorStore& tensors,
                                   at::ScalarType compute, std::shared_ptr<const nn::FrozenFormat> matrices,
                                   const nn::MakeStorage& storage, std::int64_t positions, double noise) {
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
  return std::make_unique<Decoder>(spec, tensors, dtype, layout, storage(layout), positions, noise);
}

std::unique_ptr<nn::CausalLm> load(const families::ModelSpec& spec, const weights::TensorStore& tensors,
                                   at::ScalarType compute, std::int64_t positions) {
  return load(
      spec, tensors, compute, nn::dense_format(compute == at::kBFloat16 ? Dtype::bf16 : Dtype::f32),
      [](const nn::FrozenLayout& layout) { return nn::replicated_storage(layout); }, positions);
}

}  // namespace pst::model
