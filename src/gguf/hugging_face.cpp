// SPDX-License-Identifier: Apache-2.0
#include "gguf/hugging_face.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <set>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "families/rope_config.hpp"

namespace pst::gguf {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRopeFactors = "rope_freqs.weight";

[[noreturn]] void refuse(const File& file, const std::string& reason, const std::string& remedy = {}) {
  throw Error(Fault::data, cat(file.path().string(), ": ", reason), remedy);
}

/// A float32 as the decimal number that its writer meant: 1e-05 and not 9.999999747378752e-06.
double decimal(double value) {
  const auto single = static_cast<float>(value);
  if (static_cast<double>(single) != value) return value;
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), single).ptr;
  double exact = value;
  std::from_chars(text.data(), end, exact);
  return exact;
}

/// llama.cpp's name of a tensor. A layer's number stands between the first dots that have a number between them.
std::string file_name_of(const std::string& name, const families::GgufNames& names, const families::ModelSpec& model) {
  const auto dot = name.rfind('.');
  const std::string module = name.substr(0, dot), kind = name.substr(dot);
  if (module == model.embedding) return "token_embd" + kind;
  if (model.final_norm && module == model.final_norm->name) return "output_norm" + kind;
  if (module == model.head.name) return "output" + kind;
  constexpr std::string_view kLayers = ".layers.";
  const auto number_at = module.find(kLayers) + kLayers.size(), part_at = module.find('.', number_at) + 1;
  const std::string part = module.substr(part_at);
  for (const auto& [ours, theirs] : names.layer_parts)
    if (part == ours) return cat("blk.", module.substr(number_at, part_at - 1 - number_at), ".", theirs, kind);
  throw Error(Fault::bug, cat("a tensor of the model has no name in GGUF: ", name));
}

/// Query or key heads whose rows are reordered; 0: none.
std::int64_t permuted_heads(const std::string& tensor, const families::ModelSpec& model) {
  for (const auto& layer : model.layers) {
    if (tensor.starts_with(layer.attention.inputs.at(0).name + ".")) return layer.attention.query_heads;
    if (tensor.starts_with(layer.attention.inputs.at(1).name + ".")) return layer.attention.key_value_heads;
  }
  return 0;
}

/// By how much llama3 scaling divides the frequency of rotary pair `i`. @see transformers, _compute_llama3_parameters
double low_frequency_divisor(std::int64_t i, double theta, std::int64_t dim,
                             const families::LowFrequencyScaling& scaling) {
  const double frequency = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(dim));
  const double wavelength = 2 * std::numbers::pi / frequency;
  const auto original = static_cast<double>(scaling.original_positions);
  if (wavelength < original / scaling.high_freq_factor) return 1;
  if (wavelength > original / scaling.low_freq_factor) return scaling.factor;
  const double smooth =
      (original / wavelength - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor);
  return 1 / ((1 - smooth) / scaling.factor + smooth);
}

/// The converter stores llama3 scaling as one divisor per rotary pair and drops the four numbers it came from. All
/// Llama 3.x models share three of them; the factor is the largest divisor. Accepted only when this gives back every
/// divisor.
families::LowFrequencyScaling recover_scaling(const File& file, const TensorInfo& tensor, double theta,
                                              std::int64_t dim) {
  if (tensor.count() != dim / 2)
    refuse(file, cat(kRopeFactors, " has ", tensor.count(), " values, not half of head_dim"));
  std::vector<float> divisors(static_cast<std::size_t>(tensor.count()));
  dequantize(tensor.type, tensor.bytes, divisors);
  families::LowFrequencyScaling scaling;
  scaling.factor = decimal(*std::max_element(divisors.begin(), divisors.end()));
  for (std::size_t i = 0; i < divisors.size(); ++i) {
    const double expected = low_frequency_divisor(static_cast<std::int64_t>(i), theta, dim, scaling);
    if (!(std::abs(divisors[i] - expected) <= 1e-4 * expected))
      refuse(file,
             cat(kRopeFactors, " is not Llama 3's scaling (", number(divisors[i]), " instead of ", number(expected),
                 " for pair ", i, ")"),
             "take the model's Hugging Face folder");
  }
  return scaling;
}

std::optional<std::int32_t> token_id(const File& file, const std::string& key, std::int64_t vocab_size) {
  const auto id = file.integer(key);
  if (id && (*id < 0 || *id >= vocab_size)) refuse(file, cat(key, " is ", *id, ", no token of the ", vocab_size));
  return id ? std::optional(static_cast<std::int32_t>(*id)) : std::nullopt;
}

Json eos_json(const std::vector<std::int32_t>& ids) {
  if (ids.empty()) return nullptr;
  if (ids.size() == 1) return ids.front();
  return ids;
}

template <class T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::vector<std::int32_t> end_tokens(const File& file, std::int64_t vocabulary) {
  std::vector<std::int32_t> ids;
  for (const char* key :
       {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    const auto id = token_id(file, key, vocabulary);
    if (id && std::find(ids.begin(), ids.end(), *id) == ids.end()) ids.push_back(*id);
  }
  return ids;
}

Json rope_scaling_json(const std::optional<families::LowFrequencyScaling>& scaling) {
  if (!scaling) return nullptr;
  return {{"rope_type", "llama3"},
          {"factor", scaling->factor},
          {"low_freq_factor", scaling->low_freq_factor},
          {"high_freq_factor", scaling->high_freq_factor},
          {"original_max_position_embeddings", scaling->original_positions}};
}

/// The metadata of one architecture: keys begin with its name.
class Metadata {
 public:
  Metadata(const File& file, std::string_view architecture) : file_(file), architecture_(architecture) {}

  std::string key(const char* name) const { return cat(architecture_, ".", name); }
  bool has(const char* name) const { return file_.find(key(name)) != nullptr; }
  std::int64_t size(const char* name, std::int64_t most) const {
    const auto value = file_.needed_integer(key(name));
    if (value < 1 || value > most) refuse(file_, cat(key(name), " is ", value, "; it must lie from 1 to ", most));
    return value;
  }
  std::optional<std::int64_t> integer(const char* name) const { return file_.integer(key(name)); }
  std::optional<std::string> text(const char* name) const { return file_.text(key(name)); }
  std::optional<double> positive(const char* name) const {
    const auto value = file_.real(key(name));
    if (value && (!(*value > 0) || !std::isfinite(*value))) refuse(file_, cat(key(name), " is not above 0"));
    return value ? std::optional(decimal(*value)) : std::nullopt;
  }

 private:
  const File& file_;
  std::string architecture_;
};

void refuse_what_cannot_be_said(const File& file, const Metadata& metadata) {
  if (const auto type = file.text("general.type"); type && *type != "model")
    refuse(file, cat("it holds a ", quoted(*type), ", not a model"));
  if (metadata.integer("expert_count").value_or(0) > 0) refuse(file, "a mixture of experts is not supported");
  if (const auto kind = metadata.text("rope.scaling.type"); kind && *kind != "none")
    refuse(file, cat(metadata.key("rope.scaling.type"), " is ", quoted(*kind), ", which is not supported"));
  // Without a type llama.cpp scales linearly by either of these.
  for (const char* const name : {"rope.scaling.factor", "rope.scale_linear"})
    if (const auto factor = metadata.positive(name); factor && *factor != 1 && !metadata.text("rope.scaling.type"))
      refuse(file, cat(metadata.key(name), " is ", number(*factor), ": linear scaling is not supported"));
}

/// Values of a head, all of which are rotated.
std::int64_t head_dim_of(const File& file, const Metadata& metadata, std::int64_t hidden, std::int64_t heads) {
  const std::int64_t dim =
      metadata.has("attention.key_length") ? metadata.size("attention.key_length", 65536) : hidden / heads;
  if (dim < 2 || dim % 2 != 0) refuse(file, cat("a head of ", dim, " values cannot be rotated"));
  if (const auto value = metadata.integer("attention.value_length"); value && *value != dim)
    refuse(file, cat("values have ", *value, " dimensions and keys ", dim, "; they must agree"));
  if (const auto rotated = metadata.integer("rope.dimension_count"); rotated && *rotated != dim)
    refuse(file, cat("only ", *rotated, " of ", dim, " dimensions of a head are rotated; that is not supported"));
  return dim;
}

}  // namespace

const families::Family& family_of(const File& file) {
  const std::string architecture = file.needed_text("general.architecture");
  const families::Family* const family = families::find_gguf(architecture);
  if (!family)
    refuse(file, cat("the architecture ", quoted(architecture), " is not supported"),
           cat("supported are ", families::known_gguf_architectures()));
  return *family;
}

std::string config_json(const File& file, const families::Family& family) {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  const Metadata metadata(file, family.gguf->architecture);
  refuse_what_cannot_be_said(file, metadata);
  const TensorInfo* const embedding = file.find_tensor("token_embd.weight");
  if (!embedding || embedding->shape.size() != 2) refuse(file, "there is no matrix token_embd.weight");
  const std::int64_t vocabulary = embedding->shape[0];
  if (vocabulary >= kMost) refuse(file, "the vocabulary is too large");

  const std::int64_t hidden = metadata.size("embedding_length", kMost);
  const std::int64_t inner = metadata.size("feed_forward_length", kMost);
  const std::int64_t layers = metadata.size("block_count", 10'000);
  const std::int64_t heads = metadata.size("attention.head_count", kMost);
  const std::int64_t key_value_heads =
      metadata.has("attention.head_count_kv") ? metadata.size("attention.head_count_kv", kMost) : heads;
  const std::int64_t head_dim = head_dim_of(file, metadata, hidden, heads);
  const std::int64_t positions = metadata.size("context_length", kMost);
  const auto eps = metadata.positive("attention.layer_norm_rms_epsilon");
  if (!eps) refuse(file, cat(metadata.key("attention.layer_norm_rms_epsilon"), " is missing or not above 0"));
  const auto base = metadata.positive("rope.freq_base");
  const double theta = base.value_or(10000);  // as llama.cpp has it where the key is missing
  std::optional<families::LowFrequencyScaling> scaling;
  if (const TensorInfo* factors = file.find_tensor(kRopeFactors)) {
    if (!base)
      refuse(file, cat(metadata.key("rope.freq_base"), " is missing, without which ", kRopeFactors, " says nothing"),
             "take a GGUF of the model that a newer converter wrote, or the model's Hugging Face folder");
    scaling = recover_scaling(file, *factors, theta, head_dim);
  }

  const Json json = {{"architectures", {family.architecture}},
                     {"model_type", family.model_type},
                     {"vocab_size", vocabulary},
                     {"hidden_size", hidden},
                     {"intermediate_size", inner},
                     {"num_hidden_layers", layers},
                     {"num_attention_heads", heads},
                     {"num_key_value_heads", key_value_heads},
                     {"head_dim", head_dim},
                     {"hidden_act", "silu"},
                     {"max_position_embeddings", positions},
                     {"rms_norm_eps", *eps},
                     {"rope_theta", theta},
                     {"rope_scaling", rope_scaling_json(scaling)},
                     {"attention_bias", file.find_tensor("blk.0.attn_q.bias") != nullptr},
                     {"mlp_bias", file.find_tensor("blk.0.ffn_gate.bias") != nullptr},
                     {"tie_word_embeddings", file.find_tensor("output.weight") == nullptr},
                     {"bos_token_id", optional_json(token_id(file, "tokenizer.ggml.bos_token_id", vocabulary))},
                     {"eos_token_id", eos_json(end_tokens(file, vocabulary))},
                     {"pad_token_id", optional_json(token_id(file, "tokenizer.ggml.padding_token_id", vocabulary))},
                     {"torch_dtype", "bfloat16"}};
  return json.dump(2) + "\n";
}

std::string generation_config_json(const families::ModelSpec& model) {
  const Json json = {{"bos_token_id", optional_json(model.bos_token_id)},
                     {"eos_token_id", eos_json(model.eos_token_ids)},
                     {"pad_token_id", optional_json(model.pad_token_id)}};
  return json.dump(2) + "\n";
}

std::vector<Source> sources_of(const File& file, const families::Family& family, const families::ModelSpec& model) {
  std::vector<Source> sources;
  std::set<std::string> used = {kRopeFactors};  // told by the config
  for (auto& target : families::tensors_of(model)) {
    const std::string name = file_name_of(target.name, *family.gguf, model);
    const TensorInfo* const tensor = file.find_tensor(name);
    if (!tensor) refuse(file, cat("tensor ", name, " is missing"), "take a complete GGUF of the model");
    if (tensor->shape != target.shape) {
      std::vector<std::string> have, want;
      for (const auto size : tensor->shape) have.push_back(std::to_string(size));
      for (const auto size : target.shape) want.push_back(std::to_string(size));
      refuse(file,
             cat("tensor ", name, " is [", join(have, ", "), "], but the metadata make it [", join(want, ", "), "]"));
    }
    used.insert(name);
    const auto heads = family.gguf->permuted_heads ? permuted_heads(target.name, model) : 0;
    sources.push_back({std::move(target), tensor, heads});
  }
  for (const auto& tensor : file.tensors())
    if (used.count(tensor.name) == 0)
      refuse(file, cat("tensor ", quoted(tensor.name), " does not belong to a ", family.model_type, " model"));
  return sources;
}

std::int64_t source_row(std::int64_t row, std::int64_t rows, std::int64_t heads) {
  if (heads == 0) return row;
  const std::int64_t size = rows / heads, head = row / size, half = row % size / (size / 2), pair = row % (size / 2);
  return head * size + 2 * pair + half;
}

}  // namespace pst::gguf
