// SPDX-License-Identifier: Apache-2.0
// The recorded models of each family, converted as llama.cpp's converter does it, and imported again.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "converter.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "gguf/import_model.hpp"
#include "source_tree.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "weights/safetensors.hpp"

namespace pst::gguf {
namespace {

using pst::fixture::TemporaryDirectory;
using testing::HasSubstr;

std::string shown(const std::optional<families::NormSpec>& norm) {
  if (!norm) return "none";
  return cat(norm->name, " ", norm->width, " eps ", number(norm->eps), norm->centred ? " centred" : "",
             norm->bias ? " bias" : "", " + ", number(norm->offset), " x", norm->weights, norm->split ? " split" : "");
}

std::string shown(const std::vector<float>& values) {
  std::string text;
  for (const float value : values) text += cat(" ", number(value));
  return text;
}

/// All of a model that its tensors do not say.
std::vector<std::string> described(const families::ModelSpec& model) {
  std::vector<std::string> lines = {cat(model.model_type, " ", model.vocabulary, " ", model.positions, " x",
                                        number(model.embedding_scale), " final ", shown(model.final_norm),
                                        " embedding ", shown(model.embedding_norm), " tied ", model.tied_head,
                                        " logits ", number(model.logits.scale), " ", number(model.logits.cap))};
  for (const auto& layer : model.layers) {
    const auto& a = layer.attention;
    std::string line =
        cat(shown(layer.attention_norm), "; ", shown(layer.mlp_norm), "; ", shown(layer.attention_out_norm), "; ",
            shown(layer.mlp_out_norm), "; parallel ", layer.parallel, " residual ", number(layer.residual_scale),
            " heads ", a.query_heads, "/", a.key_value_heads, " of ", a.head_dim, " window ", a.window.value_or(-1),
            " scale ", number(a.scale.value_or(-1)), " cap ", number(a.cap), " sinks ", a.sinks, " alibi ", a.alibi,
            " q ", shown(a.q_norm), " k ", shown(a.k_norm));
    if (a.rope) {
      const auto& rope = model.ropes.at(*a.rope);
      line += cat(" rope ", rope.dim, rope.neighbours ? " neighbours" : "", shown(rope.frequencies), " far",
                  shown(rope.far_frequencies), " from ", rope.original_positions, " x", number(rope.factor));
    }
    line += cat(" mlp ", layer.mlp.inner, " act ", static_cast<int>(layer.mlp.act));
    if (layer.moe)
      line += cat(" moe ", layer.moe->experts.size(), " chosen ", layer.moe->chosen, " inner ", layer.moe->inner,
                  layer.moe->normalised ? " normalised" : "", layer.moe->softmax_of_chosen ? " of chosen" : "", " act ",
                  static_cast<int>(layer.moe->act), " limit ", number(layer.moe->limit));
    lines.push_back(std::move(line));
  }
  return lines;
}

/// A recorded model and its architecture in GGUF. `changes`: what GGUF has no word for, as the models that people have
/// it.
struct Case {
  const char *model, *architecture;
  const char* changes = "{}";
};

void PrintTo(const Case& given, std::ostream* out) { *out << given.model; }

class Converted : public testing::TestWithParam<Case> {
 protected:
  Converted() {
    const fs::path from = fs::path(PST_SOURCE_DIR) / "tests/fixtures/models" / GetParam().model;
    make_directories(dir_ / "hf");
    json config = json::parse(read_file(from / "config.json"));
    config.merge_patch(json::parse(GetParam().changes));
    write_durably(dir_ / "hf/config.json", config.dump(2));
    fs::copy_file(from / "model.safetensors", dir_ / "hf/model.safetensors");
  }
  TinyGguf converted() const { return Converter(dir_ / "hf", GetParam().architecture).file(); }
  fs::path written(const TinyGguf& file) const {
    fixture::write_file(dir_ / "m.gguf", file.bytes());
    return dir_ / "m.gguf";
  }
  TemporaryDirectory dir_;
};

TEST_P(Converted, GivesBackTheModel) {
  import_gguf(written(converted()), dir_ / "out");

  EXPECT_EQ(described(families::read_model(dir_ / "out")), described(families::read_model(dir_ / "hf")));
  const auto before = weights::TensorStore::open(dir_ / "hf"), after = weights::TensorStore::open(dir_ / "out");
  EXPECT_EQ(before.tensors().size(), after.tensors().size());
  for (const auto& tensor : before.tensors()) {
    const auto& other = after.get(tensor.name);
    ASSERT_EQ(other.shape, tensor.shape) << tensor.name;
    for (std::size_t i = 0; i < static_cast<std::size_t>(tensor.count()); ++i)
      ASSERT_EQ(weights::value_at(other.bytes.data(), other.core_dtype(), i),
                to_float(to_bf16(weights::value_at(tensor.bytes.data(), tensor.core_dtype(), i))))
          << tensor.name << " at " << i;
  }
}

TEST_P(Converted, WhatIsNotKnownIsRefusedByName) {
  auto file = converted();
  file.set_f32(cat(GetParam().architecture, ".attention.novelty"), 2);
  EXPECT_THAT(pst::fixture::error_of(Fault::data, [&] { import_gguf(written(file), dir_ / "out"); }),
              HasSubstr(cat(GetParam().architecture, ".attention.novelty")));

  file = converted();
  file.tensors.push_back({"blk.0.novelty.weight", {1}, 0, "xxxx"});
  EXPECT_THAT(pst::fixture::error_of(Fault::data, [&] { import_gguf(written(file), dir_ / "out"); }),
              HasSubstr("\"blk.0.novelty.weight\" does not belong"));
}

constexpr const char* kScores = R"({"query_pre_attn_scalar": 10})";
INSTANTIATE_TEST_SUITE_P(
    Families, Converted,
    testing::Values(Case{"llama", "llama"}, Case{"llama_biases", "llama"}, Case{"llama_linear", "llama"},
                    Case{"llama_yarn", "llama"}, Case{"mixtral", "llama"}, Case{"arcee", "arcee"},
                    Case{"qwen2", "qwen2"}, Case{"qwen2_moe", "qwen2moe"}, Case{"qwen3", "qwen3"},
                    Case{"qwen3_moe", "qwen3moe"}, Case{"gemma", "gemma"}, Case{"gemma2", "gemma2", kScores},
                    Case{"gemma3_text", "gemma3", kScores}, Case{"phi3", "phi3"}, Case{"phi3_longrope", "phi3"},
                    Case{"phi3_partial", "phi3"}, Case{"phi3_window", "phi3"}, Case{"granite", "granite"},
                    Case{"granite_biases", "granite"}, Case{"granitemoe", "granitemoe"},
                    Case{"smollm3", "smollm3", R"({"no_rope_layers": null, "no_rope_layer_interval": 4})"},
                    Case{"gpt_oss", "gpt-oss", R"({"swiglu_limit": 7.0})"}, Case{"olmo2", "olmo2"},
                    Case{"olmo3", "olmo2"}, Case{"olmoe", "olmoe", R"({"norm_topk_prob": false})"},
                    Case{"cohere", "command-r"}, Case{"cohere_qk_norm", "command-r"}, Case{"cohere2", "cohere2"},
                    Case{"glm4", "glm4"}, Case{"starcoder2", "starcoder2"}, Case{"gpt2", "gpt2"},
                    Case{"gpt_neox", "gptneox"}, Case{"gpt_neox_serial", "gptneox"}, Case{"stablelm", "stablelm"},
                    Case{"stablelm_parallel", "stablelm"}, Case{"stablelm_qk_norm", "stablelm"}, Case{"phi", "phi2"},
                    Case{"bloom", "bloom"}, Case{"nemotron", "nemotron"}, Case{"seed_oss", "seed_oss"},
                    Case{"ernie4_5", "ernie4_5"}),
    [](const auto& given) { return std::string(given.param.model); });

}  // namespace
}  // namespace pst::gguf
