// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "adapters/lora_layers.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "weights/safetensors.hpp"

namespace pst::adapters {

struct StoredLayer {
  std::string module = "model.layers.0.self_attn.q_proj";
  std::int64_t out = 9, in = 7, rank = 3;
};

/// Writes a LoRA adapter of these layers with random values. @param keys  JSON object of more keys of its config
inline void write_random_lora(const std::filesystem::path& folder, const std::vector<StoredLayer>& layers,
                              unsigned seed, const std::string& keys = "{}") {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> values;
  values.reserve(2 * layers.size());
  std::vector<weights::NewTensor> tensors;
  const auto put = [&](const std::string& name, std::int64_t rows, std::int64_t columns) {
    auto& made = values.emplace_back(static_cast<std::size_t>(rows * columns));
    for (float& value : made) value = normal(engine);
    tensors.push_back({"base_model.model." + name, "F32", {rows, columns}, std::as_bytes(std::span(made))});
  };
  for (const StoredLayer& layer : layers) {
    put(layer.module + ".lora_A.weight", layer.rank, layer.in);
    put(layer.module + ".lora_B.weight", layer.out, layer.rank);
  }
  nlohmann::json config = {
      {"peft_type", "LORA"}, {"r", layers.front().rank}, {"lora_alpha", 6}, {"target_modules", {"q_proj"}}};
  config.update(nlohmann::json::parse(keys));
  std::filesystem::create_directories(folder);
  write_durably(folder / kConfigFile, config.dump());
  weights::save_tensors(folder / kTensorsFile, tensors);
}

using Update = std::vector<std::vector<double>>;  ///< [out][in]

/// scale * B A of each layer, by module, by plain loops.
inline std::map<std::string, Update> updates_of(const std::filesystem::path& folder) {
  const AdapterFolder opened = AdapterFolder::open(folder);
  std::map<std::string, Update> updates;
  for (const LoraLayer& layer : lora_layers(opened)) {
    Update& update = updates[layer.module];
    const Columns b = layer.columns_of_b(), a = layer.columns_of_a();
    update.assign(b.rows, std::vector<double>(a.rows));
    for (std::size_t r = 0; r < b.count(); ++r)
      for (std::size_t o = 0; o < b.rows; ++o)
        for (std::size_t i = 0; i < a.rows; ++i) update[o][i] += layer.scale * b.of[r][o] * a.of[r][i];
  }
  return updates;
}

inline double squares(const Update& update) {
  double sum = 0;
  for (const auto& row : update)
    for (const double value : row) sum += value * value;
  return sum;
}

/// a + factor * b
inline Update sum(Update a, const Update& b, double factor) {
  for (std::size_t o = 0; o < a.size(); ++o)
    for (std::size_t i = 0; i < a[o].size(); ++i) a[o][i] += factor * b[o][i];
  return a;
}

}  // namespace pst::adapters
