// SPDX-License-Identifier: Apache-2.0
#include "weights/quantised_config.hpp"

#include <nlohmann/json.hpp>

#include "core/strings.hpp"

namespace pst::weights {
namespace {

using Json = nlohmann::ordered_json;

/// @see neuralmagic/compressed-tensors, QuantizationConfig: weights with a scale per row, inputs with one per token
Json fp8_config(const std::vector<std::string>& dense_modules) {
  const auto eight_bits = [](const char* strategy, bool dynamic) {
    return Json{{"num_bits", 8}, {"type", "float"}, {"symmetric", true}, {"strategy", strategy}, {"dynamic", dynamic}};
  };
  Json ignored = Json::array();
  for (const auto& name : dense_modules) {
    ignored.push_back(name);
    if (name != "lm_head") ignored.push_back(cat("re:.*", name, "$"));  // an ending, which a plain name is not there
  }
  return {{"quant_method", "compressed-tensors"},
          {"format", "float-quantized"},
          {"quantization_status", "compressed"},
          {"config_groups",
           {{"group_0",
             {{"targets", {"Linear"}},
              {"weights", eight_bits("channel", false)},
              {"input_activations", eight_bits("token", true)}}}}},
          {"ignore", ignored}};
}

}  // namespace

std::string quantised_config_json(const std::string& config_json, StoredFormat format, bool double_quantisation,
                                  const std::vector<std::string>& dense_modules) {
  Json config = Json::parse(config_json);
  if (format == StoredFormat::fp8) {
    config["quantization_config"] = fp8_config(dense_modules);
    return config.dump(2) + "\n";
  }
  Json quantised = {{"quant_method", "bitsandbytes"},
                    {"load_in_4bit", format == StoredFormat::nf4},
                    {"load_in_8bit", format == StoredFormat::int8},
                    {"llm_int8_skip_modules", dense_modules}};
  if (format == StoredFormat::nf4)
    quantised.update({{"bnb_4bit_quant_type", "nf4"},
                      {"bnb_4bit_use_double_quant", double_quantisation},
                      {"bnb_4bit_quant_storage", "uint8"},
                      {"bnb_4bit_compute_dtype", "bfloat16"}});
  config["quantization_config"] = std::move(quantised);
  return config.dump(2) + "\n";
}

}  // namespace pst::weights
