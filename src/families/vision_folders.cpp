// SPDX-License-Identifier: Apache-2.0
#include "families/vision_folders.hpp"

#include <algorithm>
#include <array>

#include "families/names.hpp"
#include "families/token_ids.hpp"

namespace pst::families {
namespace {

/// Those whose language model is whole in itself. @param text  its model_type where text_config has none
struct VisionFolder {
  const char *model_type, *text;
};
constexpr std::array kFolders = {VisionFolder{"gemma3", "gemma3_text"},
                                 VisionFolder{"mistral3", "mistral"},
                                 VisionFolder{"llava", "llama"},
                                 VisionFolder{"qwen3_5", "qwen3_5_text"},
                                 VisionFolder{"qwen3_5_moe", "qwen3_5_moe_text"},
                                 VisionFolder{"gemma4", "gemma4_text"}};

}  // namespace

std::optional<std::string> text_type_of(const json::Object& config) {
  const auto type = config.text("model_type");
  const auto folder =
      std::find_if(kFolders.begin(), kFolders.end(), [&](const VisionFolder& f) { return type == f.model_type; });
  if (folder == kFolders.end() || !config.find("text_config")) return std::nullopt;
  return config.inner("text_config").text("model_type").value_or(folder->text);
}

void place_in_vision_folder(const json::Object& config, ModelSpec& model) {
  const auto place = [](std::string& name) {
    if (name.starts_with("model.")) name.insert(std::string_view("model.").size(), "language_model.");
  };
  rename(model, place);
  for (std::string& aside : model.left_aside) place(aside);
  // transformers 4 and the files that 5 writes, after these the names in memory.
  model.renamed.insert(model.renamed.end(),
                       {{"language_model.model.", "model.language_model."}, {"language_model.lm_head.", "lm_head."}});
  for (const char* const part : {"vision_tower.", "multi_modal_projector.", "visual.", "embed_vision.", "audio_tower.",
                                 "embed_audio.", "vision_model."}) {
    model.left_aside.emplace_back(part);
    model.left_aside.push_back(std::string("model.") + part);
  }
  if (config.find("tie_word_embeddings")) model.tied_head = config.flag("tie_word_embeddings");
  if (model.eos_token_ids.empty()) read_token_ids(config, model);
}

}  // namespace pst::families
