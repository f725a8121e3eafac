// SPDX-License-Identifier: Apache-2.0
#include "families/qwen_config.hpp"

#include <nlohmann/json.hpp>

namespace pst::families {

void read_qwen_windows(const json::Object& config, ModelSpec& model) {
  const bool used = config.flag("use_sliding_window");
  const json::Value* const from = config.find("max_window_layers");
  const std::size_t first = from && from->is_number_unsigned() ? from->get<std::size_t>() : 28;
  if (!used) {
    for (const char* const key : {"sliding_window", "layer_types"}) config.find(key);  // they say nothing then
    return;
  }
  const std::int64_t window = config.size("sliding_window").value_or(4096);
  const auto listed =
      config.find("layer_types") ? read_sliding(config, model.layers.size(), nullptr) : std::vector<bool>();
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (listed.empty() ? i >= first : listed[i]) model.layers[i].attention.window = window;
}

}  // namespace pst::families
