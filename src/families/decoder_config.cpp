// SPDX-License-Identifier: Apache-2.0
#include "families/decoder_config.hpp"

#include <limits>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "families/token_ids.hpp"

namespace pst::families {
namespace {

constexpr std::int64_t kMaxLayers = 10'000;

void read_rope_kind(const json::Object& root, const json::Object& rope, RopeSpec& spec) {
  const auto modern = rope.text("rope_type"), legacy = rope.text("type");
  const std::string kind = modern ? *modern : legacy ? *legacy : "default";
  if (kind == "default") return;
  constexpr const char* kLowFrequency = "llama3";
  if (kind != kLowFrequency)
    rope.refuse(modern ? "rope_type" : "type",
                cat("is ", quoted(kind), "; only 'default' and '", kLowFrequency, "' are supported"));
  constexpr const char* kOriginal = "original_max_position_embeddings";
  LowFrequencyScaling scaling;
  scaling.factor = rope.needed_positive("factor");
  scaling.low_freq_factor = rope.needed_positive("low_freq_factor");
  scaling.high_freq_factor = rope.needed_positive("high_freq_factor");
  scaling.original_positions = rope.needed_size(kOriginal);
  if (scaling.factor < 1) rope.refuse("factor", "is below 1");
  if (!(scaling.high_freq_factor > scaling.low_freq_factor))
    rope.refuse("high_freq_factor", "must be above low_freq_factor");
  if (const auto outer = root.size(kOriginal); outer && *outer != scaling.original_positions)
    rope.refuse(kOriginal, cat("is ", scaling.original_positions, ", and outside of it the file says ", *outer),
                "keep the one that the model was trained with");
  spec.scaling = scaling;
}

void refuse_partial_rotation(const json::Object& from) {
  if (const auto part = from.positive("partial_rotary_factor"); part && *part != 1.0)
    from.refuse("partial_rotary_factor", "is not 1; rotating a part of each head is not supported");
}

/// v4: `rope_theta` beside `rope_scaling`, which is null or an object. v5: everything in `rope_parameters`, or in
/// `rope_scaling`, which then counts alone. Where v4 and v5 compute different things of one file, it is refused.
RopeSpec read_rope(const json::Object& root, std::int64_t dim) {
  const auto section = [&](const char* key) -> std::optional<json::Object> {
    const auto found = root.get(key);
    if (!found) return std::nullopt;
    const json::Object object = found->object();
    return object.members().empty() ? std::nullopt : std::optional(object);
  };
  const auto older = section("rope_scaling"), newer = section("rope_parameters");
  if (older && newer && older->node().value() != newer->node().value())
    root.refuse("rope_scaling", "and 'rope_parameters' differ, and only one of them counts",
                "keep the one that the model was trained with, with its rope_theta in it");
  refuse_partial_rotation(root);
  RopeSpec spec{.dim = dim};
  const auto outer = root.positive("rope_theta");
  if (outer) spec.theta = *outer;
  const auto& rope = older ? older : newer;
  if (!rope) return spec;
  refuse_partial_rotation(*rope);
  if (const auto inner = rope->positive("rope_theta")) {
    if (older && outer && *inner != *outer)
      rope->refuse("rope_theta", cat("is ", number(*inner), ", and outside of it the file says ", number(*outer)),
                   "keep the one that the model was trained with");
    spec.theta = *inner;
  }
  read_rope_kind(root, *rope, spec);
  return spec;
}

/// Sizes of attention, without its linear layers.
AttentionSpec read_heads(const json::Object& root, std::int64_t hidden, const DecoderOptions& options) {
  AttentionSpec spec{.query_heads = root.needed_size("num_attention_heads"), .window = options.window};
  spec.key_value_heads =
      root.size("num_key_value_heads").value_or(options.absent_key_value_heads.value_or(spec.query_heads));
  if (spec.query_heads % spec.key_value_heads != 0)
    root.refuse("num_key_value_heads",
                cat("is ", spec.key_value_heads, ", which does not divide the ", spec.query_heads, " attention heads"));
  const auto head_dim = root.size("head_dim", 65536);
  if (!head_dim && hidden % spec.query_heads != 0)
    root.refuse("num_attention_heads", cat("is ", spec.query_heads, ", which does not divide hidden_size ", hidden,
                                           ", and there is no head_dim"));
  spec.head_dim = head_dim.value_or(hidden / spec.query_heads);
  if (spec.head_dim % 2 != 0) root.refuse("head_dim", cat("is ", spec.head_dim, "; rotary positions need an even one"));
  return spec;
}

/// A layer under `prefix` ("model.layers.0."): its modules by their usual names.
LayerSpec layer_under(const std::string& prefix, const AttentionSpec& heads, std::int64_t hidden, std::int64_t inner,
                      double eps, const DecoderOptions& options) {
  const auto attention = [&](const char* name, std::int64_t out, std::int64_t in, Reads reads) {
    return LinearSpec{cat(prefix, "self_attn.", name), out, in, options.attention_bias, reads};
  };
  const auto mlp = [&](const char* name, std::int64_t out, std::int64_t in, Reads reads) {
    return LinearSpec{cat(prefix, "mlp.", name), out, in, options.mlp_bias, reads};
  };
  LayerSpec layer{.attention_norm = {prefix + "input_layernorm", eps},
                  .mlp_norm = {prefix + "post_attention_layernorm", eps},
                  .attention = heads,
                  .mlp = {.inner = inner}};
  layer.attention.q = attention("q_proj", heads.query(), hidden, Reads::attention_input);
  layer.attention.k = attention("k_proj", heads.key_value(), hidden, Reads::attention_input);
  layer.attention.v = attention("v_proj", heads.key_value(), hidden, Reads::attention_input);
  layer.attention.o = attention("o_proj", hidden, heads.query(), Reads::mixed);
  layer.mlp.gate = mlp("gate_proj", inner, hidden, Reads::mlp_input);
  layer.mlp.up = mlp("up_proj", inner, hidden, Reads::mlp_input);
  layer.mlp.down = mlp("down_proj", hidden, inner, Reads::activated);
  return layer;
}

void refuse_what_would_be_ignored(const json::Object& root) {
  if (const auto activation = root.text("hidden_act"); activation && *activation != "silu")
    root.refuse("hidden_act", cat("is ", quoted(*activation), "; supported is 'silu'"));
  if (const json::Value* const dropout = root.find("attention_dropout");
      dropout && !(dropout->is_number() && dropout->get<double>() == 0))
    root.refuse("attention_dropout", "is not 0; dropout inside attention is not supported", "set it to 0.0");
}

}  // namespace

ModelSpec read_decoder(const json::Object& root, const DecoderOptions& options) {
  refuse_what_would_be_ignored(root);
  ModelSpec model;
  model.vocabulary = root.needed_size("vocab_size", std::numeric_limits<std::int32_t>::max());
  model.hidden = root.needed_size("hidden_size");
  const std::int64_t inner = root.needed_size("intermediate_size");
  const std::int64_t layers = root.needed_size("num_hidden_layers", kMaxLayers);
  const AttentionSpec heads = read_heads(root, model.hidden, options);
  model.positions = root.size("max_position_embeddings").value_or(options.absent_positions);
  const double eps = root.positive("rms_norm_eps").value_or(1e-6);
  model.rope = read_rope(root, heads.head_dim);
  model.tied_head = root.flag("tie_word_embeddings");

  model.embedding = "model.embed_tokens";
  for (std::int64_t i = 0; i < layers; ++i)
    model.layers.push_back(layer_under(cat("model.layers.", i, "."), heads, model.hidden, inner, eps, options));
  model.final_norm = {"model.norm", eps};
  model.head = {"lm_head", model.vocabulary, model.hidden};
  read_token_ids(root, model);
  return model;
}

}  // namespace pst::families
