// SPDX-License-Identifier: Apache-2.0
#include "families/known_models.hpp"

#include <algorithm>
#include <array>

namespace pst::families {
namespace {

struct Row {
  std::string_view model_type, models;
  bool experts = false;
};
constexpr std::array kRows = {
    Row{"arcee", "Arcee AFM 4.5B"},
    Row{"bloom", "BLOOM, BLOOMZ"},
    Row{"cohere", "Command R, R+"},
    Row{"cohere2", "Command R7B, Command A"},
    Row{"ernie4_5", "ERNIE 4.5 0.3B"},
    Row{"exaone", "EXAONE 3.0, 3.5"},
    Row{"exaone4", "EXAONE 4.0"},
    Row{"gemma", "Gemma 2B, 7B"},
    Row{"gemma2", "Gemma 2"},
    Row{"gemma3_text", "Gemma 3, as text or with its image tower"},
    Row{"gemma4_text", "Gemma 4, as text or with its image tower"},
    Row{"glm", "GLM-4 9B"},
    Row{"glm4", "GLM-4 0414"},
    Row{"glm4_moe", "GLM-4.5, 4.6", true},
    Row{"gpt2", "GPT-2"},
    Row{"gpt_neox", "GPT-NeoX, Pythia"},
    Row{"gpt_oss", "gpt-oss 20b, 120b", true},
    Row{"granite", "Granite 3 2B, 8B"},
    Row{"granitemoe", "Granite 3 1B-A400M, 3B-A800M", true},
    Row{"granitemoehybrid", "Granite 4 without Mamba layers", true},
    Row{"hunyuan_v1_dense", "Hunyuan 0.5B to 7B"},
    Row{"internlm3", "InternLM 3"},
    Row{"llama", "Llama 2, 3, 3.1 to 3.3, SmolLM2, TinyLlama, Yi, Falcon 3, R1-Distill-Llama"},
    Row{"ministral", "Ministral 8B, in transformers 5's form"},
    Row{"ministral3", "Ministral 3"},
    Row{"mistral", "Mistral 7B, Nemo, Small 3, Ministral 8B"},
    Row{"mixtral", "Mixtral 8x7B, 8x22B", true},
    Row{"nemotron", "Nemotron 4, Minitron"},
    Row{"olmo2", "OLMo 2"},
    Row{"olmo3", "OLMo 3"},
    Row{"olmoe", "OLMoE", true},
    Row{"opt", "OPT"},
    Row{"phi", "Phi-1, 1.5, 2"},
    Row{"phi3", "Phi-3, 3.5, Phi-4, Phi-4-mini"},
    Row{"qwen2", "Qwen 2, 2.5, R1-Distill-Qwen"},
    Row{"qwen2_moe", "Qwen 1.5 and 2 MoE", true},
    Row{"qwen3", "Qwen 3 0.6B to 32B"},
    Row{"qwen3_5_moe_text", "Qwen 3.5 and 3.6 with experts, as text or with their image tower", true},
    Row{"qwen3_5_text", "Qwen 3.5 and 3.6, as text or with their image tower"},
    Row{"qwen3_moe", "Qwen 3 30B-A3B, 235B-A22B, Qwen3-Coder", true},
    Row{"qwen3_next", "Qwen3-Next 80B-A3B", true},
    Row{"seed_oss", "Seed-OSS 36B"},
    Row{"smollm3", "SmolLM3"},
    Row{"stablelm", "StableLM 2, StableLM 3B"},
    Row{"starcoder2", "StarCoder 2"},
};

const Row* find_row(std::string_view model_type) {
  const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.model_type == model_type; });
  return row == kRows.end() ? nullptr : row;
}

}  // namespace

std::string_view known_models(std::string_view model_type) {
  const Row* const row = find_row(model_type);
  return row ? row->models : std::string_view();
}

bool has_experts(std::string_view model_type) {
  const Row* const row = find_row(model_type);
  return row && row->experts;
}

}  // namespace pst::families
