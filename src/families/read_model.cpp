// SPDX-License-Identifier: Apache-2.0
#include "families/read_model.hpp"

#include <array>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/family.hpp"
#include "families/harmless_keys.hpp"
#include "families/stored_names.hpp"
#include "families/token_ids.hpp"
#include "families/vision_folders.hpp"
#include "json/object.hpp"
#include "weights/stored_layout.hpp"

namespace pst::families {
namespace {

constexpr std::uint64_t kMaxConfigBytes = 16 << 20;

bool present(const fs::path& path) {
  std::error_code unreadable;  // reading it will say why
  return fs::exists(path, unreadable) || unreadable;
}

weights::NumberFormat read_stored_format(const json::Object& root) {
  if (!root.find("quantization_config")) return weights::NumberFormat::none;
  const json::Object quantised = root.inner("quantization_config");
  if (quantised.text("quant_method") == "mxfp4") return weights::NumberFormat::none;  // its family reads it as numbers
  std::vector<std::string> supported;
  for (const auto& row : weights::quantised_formats()) {
    if (row.stored->is_named_by(quantised)) return row.format;
    supported.push_back(cat(row.shown, " of ", row.stored->source));
  }
  root.refuse("quantization_config",
              cat("is of the method ", quoted(quantised.text("quant_method").value_or("bitsandbytes")),
                  ", in no format that can be read; supported are ", join(supported, ", ")),
              "use the model's bf16 or fp16 version");
}

/// Types of models that are known, and what they would need.
struct NotYet {
  const char *type, *lacks;
};
constexpr std::array kNotYet = {
    NotYet{"deepseek_v2", "latent attention"},
    NotYet{"deepseek_v3", "latent attention"},
    NotYet{"glm4_moe_lite", "latent attention"},
    NotYet{"mistral4", "latent attention"},
    NotYet{"kimi_k2", "latent attention"},
    NotYet{"llama4", "chunked attention with experts that read scaled inputs"},
    NotYet{"llama4_text", "chunked attention with experts that read scaled inputs"},
    NotYet{"mllama", "cross attention to images"},
    NotYet{"nemotron_h", "Mamba layers"},
    NotYet{"falcon_h1", "Mamba layers"},
    NotYet{"jamba", "Mamba layers"},
    NotYet{"bamba", "Mamba layers"},
    NotYet{"mamba", "Mamba layers"},
    NotYet{"mamba2", "Mamba layers"},
    NotYet{"lfm2", "short convolutions"},
    NotYet{"lfm2_moe", "short convolutions"},
    NotYet{"gemma3n_text", "alternating updates of several streams"},
    NotYet{"gemma3n", "alternating updates of several streams"},
};

[[noreturn]] void refuse_type(const json::Object& root, const std::string& type) {
  for (const NotYet& known : kNotYet)
    if (type == known.type)
      root.refuse("model_type",
                  cat("is ", quoted(type), ", whose layers have ", known.lacks, ", which is not there yet"),
                  cat("use a model of one of these families: ", known_model_types()));
  root.refuse("model_type", cat("is ", quoted(type), "; supported are ", known_model_types()),
              "use a model of one of these families");
}

/// Some folders have the experts of a layer side by side in two tensors, gates before ups, and the same config.json.
void cut_experts(weights::TensorStore& store, const MoeSpec& moe) {
  const auto& first = moe.experts.front();
  if (first.gate.weight_place || store.find(first.gate.name + ".weight")) return;
  // model.layers.0.mlp.experts.0.gate_proj -> model.layers.0.mlp.experts.
  const auto number = first.gate.name.rfind(".0.");
  if (number == std::string::npos) return;
  const std::string prefix = first.gate.name.substr(0, number + 1);
  std::vector<weights::TensorStore::Part> gates, downs;
  for (const auto& [gate, up, down] : moe.experts) {
    for (const LinearSpec* const linear : {&gate, &up})
      gates.push_back({linear->name + ".weight", {linear->out, linear->in}});
    downs.push_back({down.name + ".weight", {down.out, down.in}});
  }
  if (store.find(prefix + "gate_up_proj")) store.cut(prefix + "gate_up_proj", gates);
  if (store.find(prefix + "down_proj")) store.cut(prefix + "down_proj", downs);
}

}  // namespace

ModelSpec parse_model(const std::string& text, const std::string& name) {
  const json::Document document(text, name, "take the config.json that belongs to the weights");
  const json::Object root = document.object();
  const auto model_type = root.text("model_type");
  if (!model_type)
    throw Error(Fault::data, cat(name, ": 'model_type' is missing"), "name the config.json of a language model");
  const auto inner_type = text_type_of(root);
  const std::string type = inner_type.value_or(*model_type);
  const Family* const family = find(type);
  if (!family) refuse_type(root, type);
  const json::Object config = inner_type ? root.inner("text_config") : root;
  ModelSpec model = family->read(config);
  model.model_type = type;
  model.stored = read_stored_format(root);
  refuse_unread_keys(config);
  if (inner_type) place_in_vision_folder(root, model);
  return model;
}

weights::TensorStore open_weights(const fs::path& model_dir, const ModelSpec& model, WhenCut when_cut) {
  auto store = weights::TensorStore::open(model_dir, when_cut);
  take_spec_names(store, model);
  return store;
}

void take_spec_names(weights::TensorStore& store, const ModelSpec& model) {
  store.rename(model.renamed);
  for (const LayerSpec& layer : model.layers)
    if (layer.moe) cut_experts(store, *layer.moe);
}

ModelSpec read_model(const fs::path& model_dir) {
  const fs::path path = model_dir / "config.json";
  if (!present(path))
    throw Error(Fault::data, cat("no config.json in ", model_dir.string()), "name the folder of a Hugging Face model");
  ModelSpec model = parse_model(read_file(path, kMaxConfigBytes), path.string());
  if (const fs::path generation = model_dir / "generation_config.json"; present(generation)) {
    const json::Document document(generation, kMaxConfigBytes);
    auto ids = token_ids(document.object(), "eos_token_id", model.vocabulary);
    if (!ids.empty()) model.eos_token_ids = std::move(ids);
  }
  return model;
}

}  // namespace pst::families
