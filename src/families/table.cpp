// SPDX-License-Identifier: Apache-2.0
// A row per model_type; each family's file says what the row's names mean.
#include <algorithm>
#include <array>
#include <vector>

#include "core/strings.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {

extern const Family kArcee, kBloom, kCohere, kCohere2, kErnie45, kExaone, kExaone4, kGemma, kGemma2, kGemma3, kGemma4,
    kGlm, kGlm4, kGlm4Moe, kGpt2, kGptNeox, kGptOss, kGranite, kGraniteMoe, kGraniteMoeHybrid, kHunyuanDense,
    kInternlm3, kLlama, kMinistral, kMinistral3, kMistral, kMixtral, kNemotron, kOlmo2, kOlmo3, kOlmoe, kOpt, kPhi,
    kPhi3, kQwen2, kQwen2Moe, kQwen3, kQwen35, kQwen35Moe, kQwen3Moe, kQwen3Next, kSeedOss, kSmollm3, kStablelm,
    kStarcoder2;

namespace {

const std::array kTable = {&kArcee,        &kBloom,     &kCohere,    &kCohere2,    &kErnie45,
                           &kExaone,       &kExaone4,   &kGemma,     &kGemma2,     &kGemma3,
                           &kGemma4,       &kGlm,       &kGlm4,      &kGlm4Moe,    &kGpt2,
                           &kGptNeox,      &kGptOss,    &kGranite,   &kGraniteMoe, &kGraniteMoeHybrid,
                           &kHunyuanDense, &kInternlm3, &kLlama,     &kMinistral,  &kMinistral3,
                           &kMistral,      &kMixtral,   &kNemotron,  &kOlmo2,      &kOlmo3,
                           &kOlmoe,        &kOpt,       &kPhi,       &kPhi3,       &kQwen2,
                           &kQwen2Moe,     &kQwen3,     &kQwen35Moe, &kQwen35,     &kQwen3Moe,
                           &kQwen3Next,    &kSeedOss,   &kSmollm3,   &kStablelm,   &kStarcoder2};

}  // namespace

std::span<const Family* const> table() { return kTable; }

const Family* find(std::string_view model_type) {
  const auto row =
      std::find_if(kTable.begin(), kTable.end(), [&](const Family* f) { return f->model_type == model_type; });
  return row == kTable.end() ? nullptr : *row;
}

std::vector<const Family*> find_gguf(std::string_view architecture) {
  std::vector<const Family*> rows;
  for (const Family* const family : kTable)
    if (family->gguf != nullptr && family->gguf->architecture == architecture)
      rows.insert(family->gguf->when.empty() ? rows.end() : rows.begin(), family);
  return rows;
}

std::string known_model_types() {
  std::vector<std::string> names;
  for (const Family* const family : kTable) names.emplace_back(family->model_type);
  return join(names, ", ");
}

std::string known_gguf_architectures() {
  std::vector<std::string> names;
  for (const Family* const family : kTable)
    if (family->gguf != nullptr) names.emplace_back(family->gguf->architecture);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return join(names, ", ");
}

}  // namespace pst::families
