// SPDX-License-Identifier: Apache-2.0
#pragma once
// llama.cpp's converter, as far as tests need it: a model's tensors and config in, a GGUF file out.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "tiny_gguf.hpp"
#include "weights/place.hpp"
#include "weights/safetensors.hpp"

namespace pst::gguf {

using fixture::TinyGguf;
using nlohmann::json;

/// A tensor with its values, which bf16 holds exactly.
struct Plain {
  std::vector<std::int64_t> shape;
  std::vector<float> values;

  std::int64_t columns() const { return shape.back(); }
  std::int64_t rows() const { return static_cast<std::int64_t>(values.size()) / columns(); }
};

/// Rows `from[0]`, `from[1]` ... of the last two dimensions of each matrix; of a vector, its values.
inline Plain picked(const Plain& in, bool vector, const std::vector<std::int64_t>& from) {
  Plain out = in;
  const std::int64_t width = vector ? 1 : in.columns(), rows = in.shape[in.shape.size() - (vector ? 1 : 2)];
  const std::int64_t matrices = static_cast<std::int64_t>(in.values.size()) / width / rows;
  out.shape[in.shape.size() - (vector ? 1 : 2)] = std::ssize(from);
  out.values.clear();
  for (std::int64_t m = 0; m < matrices; ++m)
    for (const std::int64_t row : from)
      for (std::int64_t c = 0; c < width; ++c)
        out.values.push_back(in.values[static_cast<std::size_t>((m * rows + row) * width + c)]);
  return out;
}

inline std::vector<std::int64_t> range(std::int64_t first, std::int64_t end, std::int64_t step = 1) {
  std::vector<std::int64_t> list;
  for (; first < end; first += step) list.push_back(first);
  return list;
}

/// LlamaModel.permute: each head's rows as [2, d/2], turned to [d/2, 2].
inline std::vector<std::int64_t> permuted(std::int64_t rows, std::int64_t heads) {
  std::vector<std::int64_t> from;
  const std::int64_t d = rows / heads;
  for (std::int64_t head = 0; head < heads; ++head)
    for (std::int64_t pair = 0; pair < d / 2; ++pair)
      for (std::int64_t half = 0; half < 2; ++half) from.push_back(head * d + half * (d / 2) + pair);
  return from;
}

/// GPTNeoXModel and BloomModel: rows as [heads, 3, d] become [3, heads, d].
inline std::vector<std::int64_t> thirds(std::int64_t rows, std::int64_t heads) {
  std::vector<std::int64_t> from;
  const std::int64_t d = rows / heads / 3;
  for (std::int64_t part = 0; part < 3; ++part)
    for (std::int64_t head = 0; head < heads; ++head)
      for (std::int64_t i = 0; i < d; ++i) from.push_back((head * 3 + part) * d + i);
  return from;
}

inline Plain transposed(const Plain& in) {
  Plain out = in;
  const std::int64_t r = in.shape[in.shape.size() - 2], c = in.columns();
  std::swap(out.shape[in.shape.size() - 2], out.shape.back());
  for (std::size_t i = 0; i < in.values.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i), matrix = at / (r * c), row = at % (r * c) / c, column = at % c;
    out.values[static_cast<std::size_t>(matrix * r * c + column * r + row)] = in.values[i];
  }
  return out;
}

inline bool is_one_of(const std::string& text, std::initializer_list<const char*> list) {
  return std::any_of(list.begin(), list.end(), [&](const char* one) { return text == one; });
}

/// Converts one recorded folder.
class Converter {
 public:
  Converter(const fs::path& folder, std::string architecture)
      : config_(json::parse(read_file(folder / "config.json"))),
        type_(config_.at("model_type")),
        architecture_(std::move(architecture)) {
    file_.set_text("general.architecture", architecture_);
    fixture::set_small_vocabulary(file_);
    add_metadata();
    const auto store = weights::TensorStore::open(folder);
    for (const auto& tensor : store.tensors()) add(tensor);
    for (auto& [name, stack] : stacks_) {
      Plain all{stack.begin()->second.shape, {}};
      all.shape.insert(all.shape.begin(), std::ssize(stack));
      for (const auto& [number, one] : stack) all.values.insert(all.values.end(), one.values.begin(), one.values.end());
      write(name, all);
    }
  }
  TinyGguf file() && { return std::move(file_); }

 private:
  json find(std::initializer_list<const char*> keys) const {
    for (const char* const key : keys)
      if (config_.contains(key) && !config_.at(key).is_null()) return config_.at(key);
    return nullptr;
  }
  std::int64_t heads() const { return find({"num_attention_heads", "n_head"}); }
  std::int64_t key_heads() const {
    const json value = find({"num_key_value_heads"});
    return value.is_null() ? heads() : value.get<std::int64_t>();
  }
  std::string key(const std::string& name) const { return cat(architecture_, ".", name); }
  void size(const std::string& name, const json& value) {
    if (!value.is_null()) file_.set_u32(key(name), value.get<std::uint32_t>());
  }
  void real(const std::string& name, const json& value) {
    if (!value.is_null()) file_.set_f32(key(name), value.get<float>());
  }

  void add_metadata() {
    const json hidden = find({"hidden_size", "n_embd"}), inner = find({"intermediate_size", "n_inner"});
    size("embedding_length", hidden);
    size("feed_forward_length", inner.is_null() ? json(4 * hidden.get<int>()) : inner);
    size("block_count", find({"num_hidden_layers", "n_layer"}));
    size("attention.head_count", heads());
    if (type_ != "gpt2") size("attention.head_count_kv", key_heads());
    const json positions = find({"max_position_embeddings", "n_positions", "seq_length"});
    size("context_length", positions.is_null() ? json(2048) : positions);
    size("vocab_size", find({"vocab_size"}));
    if (type_ != "granite" && type_ != "granitemoe")
      for (const char* const name : {"attention.key_length", "attention.value_length"}) size(name, find({"head_dim"}));
    real("attention.layer_norm_rms_epsilon", find({"rms_norm_eps"}));
    real("attention.layer_norm_epsilon", find({"layer_norm_eps", "layer_norm_epsilon", "norm_eps", "norm_epsilon"}));
    size("expert_count", find({"num_local_experts", "num_experts"}));
    size("expert_used_count", find({"num_experts_per_tok"}));
    size("expert_feed_forward_length", find({"moe_intermediate_size"}));
    if (type_ == "gpt_oss") size("expert_feed_forward_length", inner);
    size("expert_shared_feed_forward_length", find({"shared_expert_intermediate_size"}));
    real("attention.scale", find({"attention_multiplier"}));
    real("embedding_scale", find({"embedding_multiplier"}));
    real("residual_scale", find({"residual_multiplier"}));
    real("logit_scale", find({"logits_scaling", "logit_scale"}));
    real("attn_logit_softcapping", find({"attn_logit_softcapping"}));
    real("final_logit_softcapping", find({"final_logit_softcapping"}));
    if (config_.contains("use_parallel_residual"))
      file_.set_bool(key("use_parallel_residual"), config_.at("use_parallel_residual"));
    if (type_ == "phi3") {
      const json window = find({"sliding_window"});
      size("attention.sliding_window", window.is_null() ? json(0) : window);
    }
    if (is_one_of(type_, {"gemma2", "gemma3_text", "gpt_oss", "cohere2", "olmo3"})) add_windows();
    if (config_.contains("rope_parameters")) add_rope();
  }

  void add_windows() {
    size("attention.sliding_window", find({"sliding_window"}));
    if (is_one_of(type_, {"gemma2", "gpt_oss"})) return;  // every other layer, without saying so
    std::vector<std::uint8_t> slides;
    for (const auto& layer : config_.at("layer_types")) slides.push_back(layer == "sliding_attention" ? 1 : 0);
    std::string bytes = fixture::raw<std::uint32_t>(7) + fixture::raw<std::uint64_t>(slides.size());
    for (const auto one : slides) bytes += fixture::raw(one);
    file_.metadata[key("attention.sliding_window_pattern")] = {9, bytes};
  }

  void add_rope() {
    const json& all = config_.at("rope_parameters");
    const json rope = all.contains("full_attention") ? all.at("full_attention") : all;
    real("rope.freq_base", rope.at("rope_theta"));
    if (all.contains("sliding_attention") && type_ == "gemma3_text")
      real("rope.freq_base_swa", all.at("sliding_attention").at("rope_theta"));
    const json hidden = find({"hidden_size"}), dim = find({"head_dim"});
    const int head_dim = dim.is_null() ? hidden.get<int>() / static_cast<int>(heads()) : dim.get<int>();
    const int turning = static_cast<int>(rope.value("partial_rotary_factor", 1.0) * head_dim);
    size("rope.dimension_count", turning);
    const std::string kind = rope.value("rope_type", "default");
    if (kind == "linear" || kind == "yarn") {
      file_.set_text(key("rope.scaling.type"), kind);
      real("rope.scaling.factor", rope.at("factor"));
    }
    if (kind == "yarn") {
      size("rope.scaling.original_context_length", rope.at("original_max_position_embeddings"));
      for (const auto& [ours, theirs] :
           {std::pair{"attention_factor", "yarn_attn_factor"}, std::pair{"beta_fast", "yarn_beta_fast"},
            std::pair{"beta_slow", "yarn_beta_slow"}})
        if (rope.contains(ours)) real(cat("rope.scaling.", theirs), rope.at(ours));
    }
    if (type_ == "phi3") size("rope.scaling.original_context_length", find({"original_max_position_embeddings"}));
    if (kind != "longrope") return;
    const double original = config_.at("original_max_position_embeddings");
    const double scale = config_.at("max_position_embeddings").get<double>() / original;
    real("rope.scaling.attn_factor", std::sqrt(1 + std::log(scale) / std::log(original)));
    for (const auto& [ours, theirs] : {std::pair{"long_factor", "rope_factors_long.weight"},
                                       std::pair{"short_factor", "rope_factors_short.weight"}}) {
      const auto factors = rope.at(ours).get<std::vector<float>>();
      write(theirs, {{std::ssize(factors)}, factors});
    }
  }

  void add(const weights::Tensor& tensor) {
    Plain plain{tensor.shape, {}};
    for (std::size_t i = 0; i < static_cast<std::size_t>(tensor.count()); ++i)
      plain.values.push_back(to_float(to_bf16(weights::value_at(tensor.bytes.data(), tensor.core_dtype(), i))));
    add(tensor.name, std::move(plain));
  }

  void add(const std::string& name, Plain plain) {
    static const std::map<std::string, std::string> kOutside = {
        {"model.embed_tokens", "token_embd"},
        {"transformer.wte", "token_embd"},
        {"gpt_neox.embed_in", "token_embd"},
        {"transformer.word_embeddings", "token_embd"},
        {"transformer.wpe", "position_embd"},
        {"transformer.word_embeddings_layernorm", "token_embd_norm"},
        {"model.norm", "output_norm"},
        {"transformer.ln_f", "output_norm"},
        {"model.final_layernorm", "output_norm"},
        {"gpt_neox.final_layer_norm", "output_norm"},
        {"lm_head", "output"},
        {"embed_out", "output"}};
    const auto dot = name.rfind('.');
    const std::string module = name.substr(0, dot), kind = name.substr(dot);
    if (kind == ".weight" && is_one_of(type_, {"gemma", "gemma2", "gemma3_text", "nemotron"}) &&
        module.ends_with("norm"))
      for (float& value : plain.values) value += 1;
    if (const auto outside = kOutside.find(module); outside != kOutside.end())
      return write(outside->second + kind, plain);
    std::size_t at = 0;
    while (!(std::isdigit(name[at]) && name[at - 1] == '.')) ++at;
    const auto end = name.find('.', at);
    add_part(cat("blk.", name.substr(at, end - at), "."), name.substr(end + 1), std::move(plain));
  }

  void add_part(const std::string& blk, const std::string& part, Plain plain) {
    const auto dot = part.rfind('.');
    const std::string module = part.substr(0, dot), kind = dot == part.npos ? "" : part.substr(dot);
    const bool vector = kind == ".bias" || part.ends_with("_bias");
    const bool is_llama = is_one_of(type_, {"llama", "mixtral", "arcee", "granite", "granitemoe", "smollm3"});
    const std::int64_t rows = vector ? plain.columns() : plain.rows();
    if (is_llama && module == "self_attn.q_proj") plain = picked(plain, vector, permuted(rows, heads()));
    if (is_llama && module == "self_attn.k_proj") plain = picked(plain, vector, permuted(rows, key_heads()));
    if (module.ends_with("query_key_value")) plain = picked(plain, vector, thirds(rows, heads()));
    if (type_ == "gpt2" && kind == ".weight" && plain.shape.size() == 2) plain = transposed(plain);

    if (const auto number = part.find("experts."); number != part.npos && std::isdigit(part[number + 8])) {
      const auto last = part.find('.', number + 8);
      static const std::map<std::string, std::string> kExperts = {
          {"gate_proj.weight", "ffn_gate_exps.weight"}, {"up_proj.weight", "ffn_up_exps.weight"},
          {"down_proj.weight", "ffn_down_exps.weight"}, {"w1.weight", "ffn_gate_exps.weight"},
          {"w3.weight", "ffn_up_exps.weight"},          {"w2.weight", "ffn_down_exps.weight"}};
      stacks_[blk + kExperts.at(part.substr(last + 1))][std::stoi(part.substr(number + 8, last - number - 8))] = plain;
    } else if (const auto norms = part.find("_layernorm.norms."); norms != part.npos) {
      stacks_[cat(blk, "attn_", part[norms - 1], "_norm.weight")][std::stoi(part.substr(norms + 17))] = plain;
    } else if (module == "mlp.experts") {
      add_gpt_oss_experts(blk, kind.substr(1), plain);
    } else if (part == "block_sparse_moe.input_linear.weight") {
      const std::int64_t both = plain.shape[1];
      write(blk + "ffn_gate_exps.weight", picked(plain, false, range(0, both / 2)));
      write(blk + "ffn_up_exps.weight", picked(plain, false, range(both / 2, both)));
    } else if (part == "self_attn.sinks") {
      write(blk + "attn_sinks.weight", plain);
    } else {
      write(blk + renamed(module) + kind, plain);
    }
  }

  /// Gates are the even outputs, ups the odd ones; numbers lie as [experts, in, out] and are turned.
  void add_gpt_oss_experts(const std::string& blk, const std::string& name, const Plain& given) {
    const bool bias = name.ends_with("_bias");
    const Plain plain = bias ? given : transposed(given);
    const std::string kind = bias ? ".bias" : ".weight";
    if (name.starts_with("down_proj")) return write(blk + "ffn_down_exps" + kind, plain);
    const std::int64_t rows = plain.shape[1];
    write(blk + "ffn_gate_exps" + kind, picked(plain, bias, range(0, rows, 2)));
    write(blk + "ffn_up_exps" + kind, picked(plain, bias, range(1, rows, 2)));
  }

  std::string renamed(const std::string& module) const {
    static const std::map<std::string, std::string> kNames = {{"input_layernorm", "attn_norm"},
                                                              {"ln_1", "attn_norm"},
                                                              {"self_attn.q_proj", "attn_q"},
                                                              {"self_attn.k_proj", "attn_k"},
                                                              {"self_attn.v_proj", "attn_v"},
                                                              {"self_attn.o_proj", "attn_output"},
                                                              {"self_attn.dense", "attn_output"},
                                                              {"attention.dense", "attn_output"},
                                                              {"self_attention.dense", "attn_output"},
                                                              {"attn.c_proj", "attn_output"},
                                                              {"self_attn.qkv_proj", "attn_qkv"},
                                                              {"attn.c_attn", "attn_qkv"},
                                                              {"attention.query_key_value", "attn_qkv"},
                                                              {"self_attention.query_key_value", "attn_qkv"},
                                                              {"self_attn.q_norm", "attn_q_norm"},
                                                              {"self_attn.k_norm", "attn_k_norm"},
                                                              {"ln_2", "ffn_norm"},
                                                              {"pre_feedforward_layernorm", "ffn_norm"},
                                                              {"post_feedforward_layernorm", "post_ffw_norm"},
                                                              {"post_mlp_layernorm", "post_ffw_norm"},
                                                              {"post_self_attn_layernorm", "post_attention_norm"},
                                                              {"mlp.gate_proj", "ffn_gate"},
                                                              {"mlp.up_proj", "ffn_up"},
                                                              {"mlp.gate_up_proj", "ffn_up"},
                                                              {"mlp.c_fc", "ffn_up"},
                                                              {"mlp.fc1", "ffn_up"},
                                                              {"mlp.dense_h_to_4h", "ffn_up"},
                                                              {"mlp.down_proj", "ffn_down"},
                                                              {"mlp.c_proj", "ffn_down"},
                                                              {"mlp.fc2", "ffn_down"},
                                                              {"mlp.dense_4h_to_h", "ffn_down"},
                                                              {"mlp.gate", "ffn_gate_inp"},
                                                              {"mlp.router", "ffn_gate_inp"},
                                                              {"block_sparse_moe.gate", "ffn_gate_inp"},
                                                              {"block_sparse_moe.router.layer", "ffn_gate_inp"},
                                                              {"block_sparse_moe.output_linear", "ffn_down_exps"},
                                                              {"mlp.shared_expert.gate_proj", "ffn_gate_shexp"},
                                                              {"mlp.shared_expert.up_proj", "ffn_up_shexp"},
                                                              {"mlp.shared_expert.down_proj", "ffn_down_shexp"},
                                                              {"mlp.shared_expert_gate", "ffn_gate_inp_shexp"}};
    if (module == "post_attention_layernorm")
      return is_one_of(type_, {"gemma2", "gemma3_text", "gpt_oss", "olmo2", "olmo3", "seed_oss"})
                 ? "post_attention_norm"
                 : "ffn_norm";
    return kNames.at(module);
  }

  void write(const std::string& name, const Plain& plain) {
    std::string bytes;
    for (const float value : plain.values) bytes += fixture::raw(value);
    std::vector<std::uint64_t> dimensions(plain.shape.rbegin(), plain.shape.rend());
    if (dimensions.size() > 1) std::erase(dimensions, 1u);  // as the converter does
    file_.tensors.push_back({name, dimensions, /*F32*/ 0, bytes});
  }

  json config_;
  std::string type_, architecture_;
  TinyGguf file_;
  std::map<std::string, std::map<int, Plain>> stacks_;
};

}  // namespace pst::gguf
