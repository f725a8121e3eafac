#pragma once
#include <string>

namespace pst::config {
class Fields;
}

namespace pst::recipe {

struct Model {
  std::string path;  ///< Hugging Face folder: config.json, tokenizer.json, *.safetensors
};

void bind(config::Fields& field, Model& s);

}  // namespace pst::recipe
