// SPDX-License-Identifier: Apache-2.0
#include "families/read_model.hpp"

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/family.hpp"
#include "families/token_ids.hpp"

namespace pst::families {
namespace {

using weights::StoredFormat;

constexpr std::uint64_t kMaxConfigBytes = 16 << 20;

bool present(const fs::path& path) {
  std::error_code unreadable;  // reading it will say why
  return fs::exists(path, unreadable) || unreadable;
}

/// Whether compressed-tensors' config says 8-bit floats with a scale per row or matrix. How inputs were to be scaled
/// does not matter here: they are scaled as they come.
/// @see neuralmagic/compressed-tensors, QuantizationConfig
bool is_scaled_fp8(const json::Object& quantised) {
  const json::Value* const groups = quantised.find("config_groups");
  if (!groups || !groups->is_object() || groups->size() != 1 || !groups->begin()->is_object()) return false;
  const auto weights = groups->begin()->find("weights");
  if (weights == groups->begin()->end() || !weights->is_object()) return false;
  const auto says = [&](const char* key, std::initializer_list<json::Value> accepted) {
    const auto found = weights->find(key);
    return found != weights->end() && std::find(accepted.begin(), accepted.end(), *found) != accepted.end();
  };
  return says("num_bits", {8}) && says("type", {"float"}) && says("symmetric", {true}) &&
         says("strategy", {"channel", "tensor"});
}

/// @see transformers, utils/quantization_config.py: BitsAndBytesConfig, CompressedTensorsConfig, FbgemmFp8Config
StoredFormat read_stored_format(const json::Object& root) {
  if (!root.find("quantization_config")) return StoredFormat::dense;
  const json::Object quantised = root.inner("quantization_config");
  const char* const remedy = "use the model's bf16 or fp16 version";
  const std::string kind = quantised.text("quant_method").value_or("bitsandbytes");
  if (kind == "fbgemm_fp8" || (kind == "compressed-tensors" && is_scaled_fp8(quantised))) return StoredFormat::fp8;
  const bool four = quantised.flag("load_in_4bit") || quantised.flag("_load_in_4bit");
  const bool eight = quantised.flag("load_in_8bit") || quantised.flag("_load_in_8bit");
  if (kind != "bitsandbytes" || four == eight)
    root.refuse("quantization_config",
                cat("is of the method ", quoted(kind), kind == "bitsandbytes" ? " without 4 or 8 bits" : "",
                    "; supported are bitsandbytes' NF4 and INT8, and 8-bit floats with a scale per row or matrix of "
                    "compressed-tensors and fbgemm_fp8"),
                remedy);
  if (eight) return StoredFormat::int8;
  if (const auto type = quantised.text("bnb_4bit_quant_type").value_or("fp4"); type != "nf4")
    root.refuse("bnb_4bit_quant_type", cat("is ", quoted(type), "; supported is 'nf4'"), remedy);
  if (const auto storage = quantised.text("bnb_4bit_quant_storage").value_or("uint8"); storage != "uint8")
    root.refuse("bnb_4bit_quant_storage", cat("is ", quoted(storage), "; supported is 'uint8'"), remedy);
  return StoredFormat::nf4;
}

}  // namespace

ModelSpec parse_model(const std::string& text, const std::string& name) {
  const json::Document document(text, name, "take the config.json that belongs to the weights");
  const json::Object root = document.object();
  const auto model_type = root.text("model_type");
  if (!model_type)
    throw Error(Fault::data, cat(name, ": 'model_type' is missing"), "name the config.json of a language model");
  const Family* const family = find(*model_type);
  if (!family)
    root.refuse("model_type", cat("is ", quoted(*model_type), "; supported are ", known_model_types()),
                "use a model of one of these families");
  ModelSpec model = family->read(root);
  model.model_type = *model_type;
  model.stored = read_stored_format(root);
  return model;
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
