// SPDX-License-Identifier: Apache-2.0
// Command R7B and A: three layers of four see a window, and only these turn.
#include "families/cohere_config.hpp"
#include "families/family.hpp"

namespace pst::families {
namespace {

/// @see transformers Cohere2Config
ModelSpec read(const json::Object& config) {
  ModelSpec model = read_cohere(config, 10000, 8192);
  const std::int64_t window = config.size("sliding_window").value_or(4096);
  const auto sliding = read_sliding_pattern(config, model.layers.size(), 4);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    AttentionSpec& attention = model.layers[i].attention;
    if (sliding[i])
      attention.window = window;
    else
      attention.rope.reset();
  }
  return model;
}

}  // namespace

extern const Family kCohere2;
const Family kCohere2{"cohere2", "Cohere2ForCausalLM", &read};

}  // namespace pst::families
