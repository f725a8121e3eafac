// SPDX-License-Identifier: Apache-2.0
#include "families/decoder_config.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "families/token_ids.hpp"

namespace pst::families {
namespace {

constexpr std::int64_t kMaxLayers = 10'000;

std::int64_t size_or(const json::Object& root, const char* key, const std::optional<std::int64_t>& absent,
                     std::int64_t most = json::kMaxSize) {
  const auto given = root.size(key, most);
  return given ? *given : absent ? *absent : root.needed_size(key, most);
}

/// Sizes of attention, without its linear layers.
AttentionSpec read_heads(const json::Object& root, std::int64_t hidden, const DecoderOptions& options) {
  AttentionSpec spec{.query_heads = size_or(root, options.keys.heads, options.absent.heads), .window = options.window};
  spec.key_value_heads =
      root.size("num_key_value_heads").value_or(options.absent.key_value_heads.value_or(spec.query_heads));
  if (spec.query_heads % spec.key_value_heads != 0)
    root.refuse("num_key_value_heads",
                cat("is ", spec.key_value_heads, ", which does not divide the ", spec.query_heads, " attention heads"));
  const auto given = root.size("head_dim", 65536);
  const auto head_dim = given ? given : options.absent.head_dim;
  if (!head_dim && hidden % spec.query_heads != 0)
    root.refuse(options.keys.heads, cat("is ", spec.query_heads, ", which does not divide ", options.keys.hidden, " ",
                                        hidden, ", and there is no head_dim"));
  spec.head_dim = head_dim.value_or(hidden / spec.query_heads);
  if (options.turns && spec.head_dim % 2 != 0)
    root.refuse("head_dim", cat("is ", spec.head_dim, "; rotary positions need an even one"));
  return spec;
}

/// The sizes of a layer, and of its model.
struct Sizes {
  AttentionSpec heads;
  std::int64_t hidden = 0, inner = 0;
  double eps = 0;
  kernels::Act act = kernels::Act::silu;
};

void add_attention(LayerSpec& layer, const std::string& prefix, const Sizes& sizes, const DecoderOptions& options) {
  AttentionSpec& attention = layer.attention = sizes.heads;
  attention.fused = options.fused;
  const auto input = [&](const std::string& name, std::int64_t out) {
    attention.inputs.push_back(
        {prefix + name, out, sizes.hidden, options.attention_bias, Reads::attention_input, {}, {}});
  };
  if (options.fused != AttentionSpec::Fused::no) {
    input(options.names.qkv, attention.query() + 2 * attention.key_value());
  } else {
    input(options.names.q, attention.query());
    input(options.names.k, attention.key_value());
    input(options.names.v, attention.key_value());
  }
  attention.o = {prefix + options.names.o, sizes.hidden, attention.query(), options.output_bias, Reads::mixed, {}, {}};
}

void add_mlp(LayerSpec& layer, const std::string& prefix, const Sizes& sizes, const DecoderOptions& options) {
  MlpSpec& mlp = layer.mlp;
  mlp.inner = sizes.inner;
  mlp.act = sizes.act;
  mlp.gated = options.gated_mlp;
  const auto input = [&](const std::string& name, std::int64_t out) {
    mlp.inputs.push_back({prefix + name, out, sizes.hidden, options.mlp_bias, Reads::mlp_input, {}, {}});
  };
  if (!options.names.gate_up.empty()) {
    input(options.names.gate_up, 2 * sizes.inner);
  } else {
    if (mlp.gated) input(options.names.gate, sizes.inner);
    input(options.names.up, sizes.inner);
  }
  mlp.down = {prefix + options.names.down, sizes.hidden, sizes.inner, options.mlp_bias, Reads::activated, {}, {}};
}

LayerSpec layer_under(const std::string& prefix, const Sizes& sizes, const DecoderOptions& options) {
  LayerSpec layer;
  const auto norm = [&](std::optional<NormSpec>& to, const std::string& name) {
    if (!name.empty()) to = norm_like(prefix + name, sizes.hidden, sizes.eps, options);
  };
  norm(layer.attention_norm, options.names.attention_norm);
  norm(layer.mlp_norm, options.names.mlp_norm);
  norm(layer.attention_out_norm, options.names.attention_out_norm);
  norm(layer.mlp_out_norm, options.names.mlp_out_norm);
  add_attention(layer, prefix, sizes, options);
  add_mlp(layer, prefix, sizes, options);
  return layer;
}

}  // namespace

std::string layer_prefix(std::size_t layer) { return cat("model.layers.", layer, "."); }

NormSpec norm_like(const std::string& name, std::int64_t width, double eps, const DecoderOptions& options) {
  return {.name = name,
          .width = width,
          .eps = eps,
          .centred = options.norms_centred,
          .bias = options.norm_bias,
          .offset = options.norm_offset};
}

kernels::Act read_act(const json::Object& config, const char* key, const char* absent) {
  using kernels::Act;
  struct Name {
    const char* name;
    Act act;
  };
  constexpr std::array kNames = {
      Name{"silu", Act::silu},          Name{"swish", Act::silu},          Name{"gelu_pytorch_tanh", Act::gelu_tanh},
      Name{"gelu_new", Act::gelu_tanh}, Name{"gelu_fast", Act::gelu_tanh}, Name{"gelu", Act::gelu},
      Name{"relu", Act::relu},          Name{"relu2", Act::relu2}};
  const std::string name = config.text(key).value_or(absent);
  const auto found = std::find_if(kNames.begin(), kNames.end(), [&](const Name& n) { return name == n.name; });
  if (found == kNames.end()) {
    std::vector<std::string> known;
    for (const Name& n : kNames) known.push_back(cat("'", n.name, "'"));
    config.refuse(key, cat("is ", quoted(name), "; supported are ", join(known, ", ")));
  }
  return found->act;
}

std::vector<bool> read_sliding(const json::Object& config, std::size_t layers, bool (*otherwise)(std::size_t i)) {
  std::vector<bool> sliding;
  const auto listed = config.get("layer_types");
  if (!listed) {
    for (std::size_t i = 0; i < layers; ++i) sliding.push_back(otherwise(i));
    return sliding;
  }
  for (const std::string& type : listed->texts()) {
    if (type != "sliding_attention" && type != "full_attention")
      config.refuse("layer_types", cat("has ", quoted(type), "; known are sliding_attention and full_attention"));
    sliding.push_back(type == "sliding_attention");
  }
  if (sliding.size() != layers)
    config.refuse("layer_types", cat("has ", sliding.size(), " types for ", layers, " layers"));
  return sliding;
}

void refuse_dropout(const json::Object& config, const char* key) {
  const json::Value* const dropout = config.find(key);
  if (dropout && !(dropout->is_number() && dropout->get<double>() == 0))
    config.refuse(key, "is not 0; dropout inside a frozen model is not supported",
                  "set it to 0.0: adapters have a dropout of their own");
}

void refuse_absent_dropout(const json::Object& config, const char* key, double absent) {
  if (!config.find(key))
    config.refuse(key,
                  cat("is missing, which means ", number(absent), "; dropout inside a frozen model is not supported"),
                  cat("write \"", key, "\": 0.0 into config.json: adapters have a dropout of their own"));
  refuse_dropout(config, key);
}

std::vector<bool> read_sliding_pattern(const json::Object& config, std::size_t layers, std::int64_t absent) {
  const auto given = config.get("sliding_window_pattern");
  const std::int64_t pattern = given ? given->whole() : absent;
  if (config.find("layer_types")) return read_sliding(config, layers, nullptr);
  std::vector<bool> sliding;
  for (std::size_t i = 0; i < layers; ++i)
    sliding.push_back(pattern > 0 && static_cast<std::int64_t>(i + 1) % pattern != 0);
  return sliding;
}

void add_head_norms(LayerSpec& layer, const std::string& prefix, double eps, double offset) {
  const std::int64_t width = layer.attention.head_dim;
  layer.attention.q_norm = NormSpec{.name = prefix + "self_attn.q_norm", .width = width, .eps = eps, .offset = offset};
  layer.attention.k_norm = NormSpec{.name = prefix + "self_attn.k_norm", .width = width, .eps = eps, .offset = offset};
}

void add_full_norms(LayerSpec& layer, const std::string& prefix, double eps) {
  const AttentionSpec& heads = layer.attention;
  layer.attention.q_norm = NormSpec{.name = prefix + "self_attn.q_norm", .width = heads.query(), .eps = eps};
  layer.attention.k_norm = NormSpec{.name = prefix + "self_attn.k_norm", .width = heads.key_value(), .eps = eps};
}

ModelSpec read_decoder(const json::Object& root, const DecoderOptions& options) {
  refuse_dropout(root, "attention_dropout");
  ModelSpec model;
  model.vocabulary = size_or(root, "vocab_size", options.absent.vocabulary, std::numeric_limits<std::int32_t>::max());
  Sizes sizes{.hidden = root.needed_size(options.keys.hidden)};
  model.hidden = sizes.hidden;
  sizes.inner = size_or(root, options.keys.inner, options.absent.inner);
  const std::int64_t layers = root.needed_size(options.keys.layers, kMaxLayers);
  sizes.heads = read_heads(root, model.hidden, options);
  sizes.act = read_act(root, options.keys.act, options.absent.act);
  model.positions = root.size(options.keys.positions).value_or(options.absent.positions);
  sizes.eps = root.positive(options.keys.eps).value_or(options.absent.eps);
  if (options.turns) {
    model.ropes = {read_rope(root, {.head_dim = sizes.heads.head_dim,
                                    .positions = model.positions,
                                    .theta = options.absent.theta,
                                    .part = options.absent.rotary_part,
                                    .neighbours = options.neighbours})};
    sizes.heads.rope = 0;
  }
  model.tied_head = root.flag("tie_word_embeddings", options.absent.tied);

  model.embedding = options.prefix + options.embedding;
  for (std::int64_t i = 0; i < layers; ++i)
    model.layers.push_back(layer_under(cat(options.prefix, options.layers, ".", i, "."), sizes, options));
  if (!options.final_norm.empty())
    model.final_norm = norm_like(options.prefix + options.final_norm, model.hidden, sizes.eps, options);
  model.head = {.name = options.head, .out = model.vocabulary, .in = model.hidden, .bias = options.head_bias};
  read_token_ids(root, model);
  return model;
}

}  // namespace pst::families
