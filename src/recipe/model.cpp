// SPDX-License-Identifier: Apache-2.0
#include "recipe/model.hpp"

#include "config/fields.hpp"
#include "core/strings.hpp"
#include "recipe/text_checks.hpp"

namespace pst::recipe {

namespace {

/// Static: the help of a field is kept as it is given.
const char* formats_help() {
  static const std::string help = [] {
    std::string text;
    for (const auto& row : weights::quantised_formats()) text += cat("`", row.name, "`: ", row.help, "; ");
    return text + "`none`: the dtype of train.precision. A folder that is quantised already needs the format it is in.";
  }();
  return help.c_str();
}

}  // namespace

void bind(config::Fields& field, Quantization& s) {
  field("format", &s.format, formats_help());
  field("double_quantization", &s.double_quantization,
        "Keep the scales of nf4 in 8 bits: 4.13 bits a value instead of 4.5.");
  field("skip", &s.skip, "Layers to leave as they are, by the end of their name, for instance [down_proj].");
}

void bind(config::Fields& field, Model& s) {
  field.required(
      "path", &s.path, path(),
      "Folder of the base model: config.json, tokenizer.json, *.safetensors, in the layout of Hugging Face.");
  field("tokenizer", &s.tokenizer,
        "Whose token ids count. `file`: those of tokenizer.json. `transformers`: those of transformers 5, which makes "
        "the tokenizer of some classes anew from the vocabulary; `validate` says where the two differ on the data.");
  field("quantization", &s.quantization, "How the frozen matrices of the decoder layers are kept.");
}

}  // namespace pst::recipe
