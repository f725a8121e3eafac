// SPDX-License-Identifier: Apache-2.0
#include "weights/scaled_fp8.hpp"

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/object.hpp"
#include "weights/dtype.hpp"
#include "weights/stored_layout.hpp"

namespace pst::weights {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw Error(Fault::data, cat("tensor ", name, " ", what), "use the model's bf16 version");
}

}  // namespace

std::optional<StoredFp8> find_fp8(const TensorStore& store, const std::string& name, std::int64_t out,
                                  std::int64_t in) {
  const Tensor* const codes = store.find(name);
  if (!codes) refuse(name, "is missing");
  if (is_floating(codes->dtype)) return std::nullopt;
  const std::vector<std::int64_t> shape = {out, in};
  if (codes->dtype != "F8_E4M3" || codes->shape != shape)
    refuse(name, cat("is ", codes->dtype, " ", shape_text(codes->shape), "; a matrix of ", shape_text(shape),
                     " in 8-bit floats is F8_E4M3 of that shape"));
  if (store.find(name + "_scale_inv")) refuse(name, "has scales per block; supported is one per row");
  const Tensor* const scale = store.find(name + "_scale");
  if (!scale) refuse(name, cat("is F8_E4M3, but ", name, "_scale is missing"));
  if (!is_floating(scale->dtype) || (scale->count() != out && scale->count() != 1))
    refuse(scale->name, cat("is ", scale->dtype, " ", shape_text(scale->shape),
                            "; supported is one number for each of ", out, " rows, or one for all"));
  return StoredFp8{codes, scale};
}

namespace {

/// Whether compressed-tensors' config says 8-bit floats with a scale per row or matrix. How inputs were to be scaled
/// does not matter here: they are scaled as they come.
/// @see neuralmagic/compressed-tensors, QuantizationConfig
bool says_float_8(const json::Object& config) {
  const Json* const groups = config.find("config_groups");
  if (!groups || !groups->is_object() || groups->size() != 1 || !groups->begin()->is_object()) return false;
  const auto weights = groups->begin()->find("weights");
  if (weights == groups->begin()->end() || !weights->is_object()) return false;
  const auto says = [&](const char* key, std::initializer_list<Json> accepted) {
    const auto found = weights->find(key);
    return found != weights->end() && std::find(accepted.begin(), accepted.end(), *found) != accepted.end();
  };
  return says("num_bits", {8}) && says("type", {"float"}) && says("symmetric", {true}) &&
         says("strategy", {"channel", "tensor"});
}

/// @see transformers, utils/quantization_config.py: CompressedTensorsConfig, FbgemmFp8Config
bool is_named_by(const json::Object& config) {
  const std::string method = config.text("quant_method").value_or("");
  return method == "fbgemm_fp8" || (method == "compressed-tensors" && says_float_8(config));
}

/// Weights with a scale per row, inputs with one per token.
nlohmann::ordered_json config_of(bool, const std::vector<std::string>& dense_modules) {
  using Ordered = nlohmann::ordered_json;
  const auto eight_bits = [](const char* strategy, bool dynamic) {
    return Ordered{
        {"num_bits", 8}, {"type", "float"}, {"symmetric", true}, {"strategy", strategy}, {"dynamic", dynamic}};
  };
  Ordered ignored = Ordered::array();
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

/// The scale of a static quantisation of its inputs is among them: inputs are scaled as they come.
std::vector<std::string> companions_of(const std::string& name) {
  const std::string layer = name.ends_with(".weight") ? name.substr(0, name.size() - 7) : name;
  return {name + "_scale", layer + ".input_scale"};
}

}  // namespace

constinit const StoredLayout kScaledFp8 = {
    .source = "compressed-tensors and fbgemm_fp8, with a scale per row or matrix",
    .codes = "F8_E4M3",
    .is_named_by = is_named_by,
    .config = config_of,
    .holds = [](const TensorStore& store, const std::string& name, std::int64_t out,
                std::int64_t in) { return find_fp8(store, name, out, in).has_value(); },
    .companions = companions_of};

}  // namespace pst::weights
