// SPDX-License-Identifier: Apache-2.0
#include "families/peft_names.hpp"

#include <algorithm>
#include <array>

namespace pst::families {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 2> kQueriesAndValues = {"q_proj", "v_proj"};
constexpr std::array<std::string_view, 4> kPhi = {"q_proj", "v_proj", "fc1", "fc2"};
constexpr std::array<std::string_view, 1> kFused = {"query_key_value"}, kGpt2 = {"c_attn"};
constexpr std::array<std::string_view, 3> kExperts = {"gate_proj", "up_proj", "down_proj"};

struct Row {
  std::string_view model_type;
  Names names;
};
constexpr std::array kDefaults = {Row{"llama", kQueriesAndValues},
                                  Row{"mistral", kQueriesAndValues},
                                  Row{"mixtral", kQueriesAndValues},
                                  Row{"qwen2", kQueriesAndValues},
                                  Row{"qwen3", kQueriesAndValues},
                                  Row{"gemma", kQueriesAndValues},
                                  Row{"gemma2", kQueriesAndValues},
                                  Row{"gemma3_text", kQueriesAndValues},
                                  Row{"stablelm", kQueriesAndValues},
                                  Row{"opt", kQueriesAndValues},
                                  Row{"phi", kPhi},
                                  Row{"gpt_neox", kFused},
                                  Row{"bloom", kFused},
                                  Row{"gpt2", kGpt2}};
constexpr std::array kRewritten = {Row{"qwen3_moe", kExperts}, Row{"qwen3_next", kExperts}, Row{"glm4_moe", kExperts},
                                   Row{"olmoe", kExperts}};

Names find(std::span<const Row> rows, std::string_view model_type) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.model_type == model_type; });
  return row == rows.end() ? Names() : row->names;
}

}  // namespace

std::span<const std::string_view> peft_default_targets(std::string_view model_type) {
  return find(kDefaults, model_type);
}

std::span<const std::string_view> peft_expert_names(std::string_view model_type) {
  return find(kRewritten, model_type);
}

}  // namespace pst::families
