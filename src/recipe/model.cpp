// SPDX-License-Identifier: Apache-2.0
#include "recipe/model.hpp"

#include "config/fields.hpp"
#include "recipe/text_checks.hpp"

namespace pst::recipe {

std::vector<std::pair<const char*, FrozenFormat>> words_of(FrozenFormat) {
  return {{"none", FrozenFormat::none},
          {"nf4", FrozenFormat::nf4},
          {"int8", FrozenFormat::int8},
          {"fp8", FrozenFormat::fp8}};
}

void bind(config::Fields& field, Quantization& s) {
  field("format", &s.format,
        "`nf4`: 4 bits a value in blocks of 64 (QLoRA); `int8`: 8 bits with a scale per row (LLM.int8()); `fp8`: "
        "8-bit floats (E4M3) with a scale per row; `none`: the dtype of train.precision. A folder that is quantised "
        "already needs the format it is in.");
  field("double_quantization", &s.double_quantization,
        "Keep the scales of nf4 in 8 bits: 4.13 bits a value instead of 4.5.");
  field("skip", &s.skip, "Layers to leave as they are, by the end of their name, for instance [down_proj].");
}

void bind(config::Fields& field, Model& s) {
  field.required(
      "path", &s.path, path(),
      "Folder of the base model: config.json, tokenizer.json, *.safetensors, in the layout of Hugging Face.");
  field("quantization", &s.quantization, "How the frozen matrices of the decoder layers are kept.");
}

}  // namespace pst::recipe
