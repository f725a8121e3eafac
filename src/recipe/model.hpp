#pragma once
#include <string>

namespace pst::recipe {

struct Model {
  std::string path;  ///< Hugging Face folder: config.json, tokenizer.json, *.safetensors
};

}  // namespace pst::recipe
