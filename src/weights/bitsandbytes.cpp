// SPDX-License-Identifier: Apache-2.0
#include "weights/bitsandbytes.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/object.hpp"
#include "weights/dtype.hpp"
#include "weights/stored_layout.hpp"

namespace pst::weights {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kBlock = 64, kNestedBlock = 256;

[[noreturn]] void refuse(const std::string& name, const std::string& reason, const std::string& remedy = {}) {
  throw Error(Fault::data, cat("tensor ", name, " ", reason),
              remedy.empty() ? "quantise the model again: `peft-studio model quantise`" : remedy);
}

const Tensor& part(const TensorStore& store, const std::string& name, const char* dtype,
                   const std::vector<std::int64_t>& shape) {
  const Tensor* const found = store.find(name);
  if (!found) refuse(name, "is missing, a part of a quantised matrix");
  if (found->dtype != dtype || found->shape != shape)
    refuse(name, cat("is ", found->dtype, " ", shape_text(found->shape), "; a part of a quantised matrix here is ",
                     dtype, " ", shape_text(shape)));
  return *found;
}

std::string prefix_of(const std::string& name) {
  constexpr std::string_view kWeight = "weight";
  PST_ASSERT(name.ends_with(kWeight), "matrices are called <layer>.weight");
  return name.substr(0, name.size() - kWeight.size());
}

Json read_state(const Tensor& tensor) {
  constexpr std::size_t kMost = 1 << 16;
  if (tensor.dtype != "U8" || tensor.bytes.size() > kMost) refuse(tensor.name, "is no text of at most 64 KiB");
  const std::string text(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
  Json state = json::parse(text, tensor.name);
  if (!state.is_object()) refuse(tensor.name, "is no JSON object");
  return state;
}

/// Checks that `key` is there and equals `expected`.
void expect(const Tensor& tensor, const Json& state, const char* key, const Json& expected) {
  const auto found = state.find(key);
  if (found == state.end() || *found != expected)
    refuse(
        tensor.name,
        cat("says ", key, " ",
            found == state.end() ? "nothing" : found->dump(-1, ' ', true, Json::error_handler_t::replace).substr(0, 60),
            "; supported here is ", expected.dump()));
}

}  // namespace

std::optional<StoredNf4> find_nf4(const TensorStore& store, const std::string& name, std::int64_t out,
                                  std::int64_t in) {
  const Tensor* const codes = store.find(name);
  if (!codes) refuse(name, "is missing", "download the model completely");
  if (store.find(name + ".quant_state.bitsandbytes__fp4"))
    refuse(name, "is FP4; supported are NF4 and INT8", "use the model's bf16 version");
  const Tensor* const state_tensor = store.find(name + kNf4State);
  if (!state_tensor) {
    if (codes->dtype == "U8") refuse(name, cat("is U8, but ", name, kNf4State, " is missing"));
    return std::nullopt;
  }
  const Json state = read_state(*state_tensor);
  expect(*state_tensor, state, "quant_type", "nf4");
  expect(*state_tensor, state, "blocksize", kBlock);
  expect(*state_tensor, state, "shape", Json::array({out, in}));

  const std::int64_t n = out * in, blocks = (n + kBlock - 1) / kBlock;
  StoredNf4 stored;
  stored.codes = codes;
  if (codes->dtype != "U8" || codes->count() != (n + 1) / 2)
    refuse(name, cat("is ", codes->dtype, " ", shape_text(codes->shape), "; a matrix of ", shape_text({out, in}),
                     " in NF4 is U8 of ", (n + 1) / 2, " values"));
  stored.levels = &part(store, name + ".quant_map", "F32", {16});
  const bool nested = store.find(name + ".nested_absmax") != nullptr;
  stored.absmax = &part(store, name + ".absmax", nested ? "U8" : "F32", {blocks});
  if (!nested) return stored;
  expect(*state_tensor, state, "nested_blocksize", kNestedBlock);
  stored.nested_scale = &part(store, name + ".nested_absmax", "F32", {(blocks + kNestedBlock - 1) / kNestedBlock});
  stored.nested_map = &part(store, name + ".nested_quant_map", "F32", {256});
  const auto offset = state.find("nested_offset");
  if (offset == state.end() || !offset->is_number()) refuse(state_tensor->name, "has no nested_offset");
  if (!(std::abs(offset->get<double>()) < 1e38)) refuse(state_tensor->name, "has a nested_offset out of range");
  stored.nested_offset = offset->get<float>();
  return stored;
}

std::optional<StoredInt8> find_int8(const TensorStore& store, const std::string& name, std::int64_t out,
                                    std::int64_t in) {
  const Tensor* const codes = store.find(name);
  if (!codes) refuse(name, "is missing", "download the model completely");
  if (!name.ends_with("weight")) return std::nullopt;  // scales are found by that ending
  const std::string scale = prefix_of(name) + "SCB";
  if (!store.find(scale)) {
    if (codes->dtype == "I8") refuse(name, cat("is I8, but ", scale, " is missing"));
    return std::nullopt;
  }
  StoredInt8 stored;
  stored.codes = &part(store, name, "I8", {out, in});
  stored.absmax = &part(store, scale, "F32", {out});
  const std::string format = prefix_of(name) + "weight_format";
  if (const Tensor* const found = store.find(format)) {
    part(store, format, "U8", {});
    if (found->bytes[0] != std::byte{0}) refuse(format, "says another layout than rows");
  }
  return stored;
}

std::string nf4_state_json(const std::string& dtype, std::int64_t out, std::int64_t in, std::optional<float> offset) {
  nlohmann::ordered_json state = {{"quant_type", "nf4"}, {"blocksize", kBlock}, {"dtype", dtype}, {"shape", {out, in}}};
  if (offset) {
    state["nested_blocksize"] = kNestedBlock;
    state["nested_dtype"] = "float32";
    state["nested_offset"] = static_cast<double>(*offset);
  }
  return state.dump();
}

namespace {

/// Whether the config is of bitsandbytes and says so many bits, and not the others too.
/// @see transformers, utils/quantization_config.py: BitsAndBytesConfig
bool says_bits(const json::Object& config, int bits) {
  if (config.text("quant_method").value_or("bitsandbytes") != "bitsandbytes") return false;
  const bool four = config.flag("load_in_4bit") || config.flag("_load_in_4bit");
  const bool eight = config.flag("load_in_8bit") || config.flag("_load_in_8bit");
  return bits == 4 ? four && !eight : eight && !four;
}

void require_text(const json::Object& config, const char* key, const char* by_default, const char* supported) {
  if (const auto text = config.text(key).value_or(by_default); text != supported)
    config.refuse(key, cat("is ", quoted(text), "; supported is '", supported, "'"),
                  "use the model's bf16 or fp16 version");
}

bool is_nf4(const json::Object& config) {
  if (!says_bits(config, 4)) return false;
  require_text(config, "bnb_4bit_quant_type", "fp4", "nf4");
  require_text(config, "bnb_4bit_quant_storage", "uint8", "uint8");
  return true;
}

nlohmann::ordered_json config_of(int bits, const std::vector<std::string>& dense_modules) {
  return {{"quant_method", "bitsandbytes"},
          {"load_in_4bit", bits == 4},
          {"load_in_8bit", bits == 8},
          {"llm_int8_skip_modules", dense_modules}};
}

nlohmann::ordered_json nf4_config(bool double_quantisation, const std::vector<std::string>& dense_modules) {
  auto config = config_of(4, dense_modules);
  config.update({{"bnb_4bit_quant_type", "nf4"},
                 {"bnb_4bit_use_double_quant", double_quantisation},
                 {"bnb_4bit_quant_storage", "uint8"},
                 {"bnb_4bit_compute_dtype", "bfloat16"}});
  return config;
}

std::vector<std::string> nf4_companions(const std::string& name) {
  std::vector<std::string> names;
  for (const char* suffix : {".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", kNf4State})
    names.push_back(name + suffix);
  return names;
}

}  // namespace

constinit const StoredLayout kBitsandbytesNf4 = {
    .source = "bitsandbytes",
    .codes = "U8",
    .is_named_by = is_nf4,
    .config = nf4_config,
    .holds = [](const TensorStore& store, const std::string& name, std::int64_t out,
                std::int64_t in) { return find_nf4(store, name, out, in).has_value(); },
    .companions = nf4_companions};

constinit const StoredLayout kBitsandbytesInt8 = {
    .source = "bitsandbytes",
    .codes = "I8",
    .is_named_by = [](const json::Object& config) { return says_bits(config, 8); },
    .config = [](bool, const std::vector<std::string>& dense_modules) { return config_of(8, dense_modules); },
    .holds = [](const TensorStore& store, const std::string& name, std::int64_t out,
                std::int64_t in) { return find_int8(store, name, out, in).has_value(); },
    .companions =
        [](const std::string& name) {
          return std::vector{prefix_of(name) + "SCB", prefix_of(name) + "weight_format"};
        }};

}  // namespace pst::weights
