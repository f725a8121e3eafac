// SPDX-License-Identifier: Apache-2.0
// OLMo 2: norms behind attention and MLP, none before them.
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "families/olmo_config.hpp"

namespace pst::families {
namespace {

/// @see transformers Olmo2Config
ModelSpec read(const json::Object& config) { return read_olmo(config, olmo_options(config, 10000)); }

constexpr std::array<GgufPart, 11> kParts = {{kGgufQ,
                                              kGgufK,
                                              kGgufV,
                                              kGgufO,
                                              kGgufQNorm,
                                              kGgufKNorm,
                                              {"post_attention_layernorm", "post_attention_norm"},
                                              kGgufGate,
                                              kGgufUp,
                                              kGgufDown,
                                              {"post_feedforward_layernorm", "post_ffw_norm"}}};
constexpr std::array<GgufKey, 1> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"}}};
constexpr GgufNames kGguf{
    .architecture = "olmo2", .layer_parts = kParts, .more = kKeys, .fixed = R"({"hidden_act": "silu"})"};

}  // namespace

extern const Family kOlmo2;
const Family kOlmo2{"olmo2", "Olmo2ForCausalLM", &read, &kGguf};

}  // namespace pst::families
