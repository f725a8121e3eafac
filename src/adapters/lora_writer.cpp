// SPDX-License-Identifier: Apache-2.0
#include "adapters/lora_writer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/tokenizer_pipeline.hpp"
#include "methods/lora.hpp"
#include "weights/adapter_names.hpp"
#include "weights/part_folder.hpp"
#include "weights/safetensors.hpp"

namespace pst::adapters {
namespace {

/// Layers are named one by one: the lists of several adapters may mean different ones.
json::Ordered config_of(const AdapterFolder& like, const std::vector<NewLayer>& layers) {
  auto config = json::parse_ordered(like.config->text(), like.config->name());
  std::set<std::string> modules;
  std::int64_t most = 0;
  for (const NewLayer& layer : layers) {
    modules.insert(layer.module);
    most = std::max(most, layer.rank());
  }
  config["r"] = most;
  config["lora_alpha"] = most;
  config["use_rslora"] = false;
  config["target_modules"] = modules;
  for (const char* const key : {"exclude_modules", "layers_to_transform", "layers_pattern"})
    if (config.contains(key)) config[key] = nullptr;
  config["init_lora_weights"] = true;
  config["rank_pattern"] = json::Ordered::object();
  config["alpha_pattern"] = json::Ordered::object();
  for (const NewLayer& layer : layers) {
    if (layer.rank() == most) continue;
    config["rank_pattern"][layer.module] = layer.rank();
    config["alpha_pattern"][layer.module] = layer.rank();
  }
  return config;
}

std::vector<float> rows_of_transposed(const Columns& m) {
  std::vector<float> values;
  for (const auto& column : m.of)
    for (const double value : column) values.push_back(static_cast<float>(value));
  return values;
}

std::vector<float> rows_of(const Columns& m) {
  std::vector<float> values;
  for (std::size_t row = 0; row < m.rows; ++row)
    for (const auto& column : m.of) values.push_back(static_cast<float>(column[row]));
  return values;
}

}  // namespace

void write_lora(const AdapterFolder& like, const std::vector<NewLayer>& layers, const fs::path& to) {
  const fs::path target = (to / "").parent_path();
  weights::refuse_used_folder(target);
  weights::PartFolder part(target, {kConfigFile, kTensorsFile});
  write_durably(part.path() / kConfigFile, config_of(like, layers).dump(2) + "\n");
  std::vector<std::vector<float>> values;
  std::vector<weights::NewTensor> tensors;
  values.reserve(2 * layers.size());
  const auto put = [&](const std::string& name, std::vector<float> rows, std::size_t height, std::size_t width) {
    values.push_back(std::move(rows));
    tensors.push_back({weights::adapter_tensor_name(name),
                       "F32",
                       {static_cast<std::int64_t>(height), static_cast<std::int64_t>(width)},
                       std::as_bytes(std::span(values.back()))});
  };
  for (const NewLayer& layer : layers) {
    put(cat(layer.module, ".", layer.is_embedding ? methods::kLoraEmbeddingA : methods::kLoraA),
        rows_of_transposed(layer.a_ir), layer.a_ir.count(), layer.a_ir.rows);
    put(cat(layer.module, ".", layer.is_embedding ? methods::kLoraEmbeddingB : methods::kLoraB), rows_of(layer.b_or),
        layer.b_or.rows, layer.b_or.count());
  }
  weights::save_tensors(part.path() / kTensorsFile, tensors,
                        families::pipeline_metadata(families::pipeline_in(like.tensors.metadata())));
  part.commit();
}

}  // namespace pst::adapters
