// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "families/tokenizer_pipeline.hpp"
#include "weights/number_format.hpp"

namespace pst::config {
class Fields;
}

namespace pst::recipe {

/// How the frozen matrices of the decoder layers are kept; embedding, head, norms and biases are not touched.
struct Quantization {
  weights::NumberFormat format = weights::NumberFormat::none;
  bool double_quantization = true;
  std::vector<std::string> skip;  ///< layers that stay as they are, by the end of their name
};

struct Model {
  std::string path;  ///< Hugging Face folder: config.json, tokenizer.json, *.safetensors
  families::TokenizerPipeline tokenizer = families::TokenizerPipeline::file;
  Quantization quantization;
};

void bind(config::Fields& field, Quantization& s);
void bind(config::Fields& field, Model& s);

}  // namespace pst::recipe
