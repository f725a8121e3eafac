// SPDX-License-Identifier: Apache-2.0
#include "gguf/hugging_face.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "families/gguf_names.hpp"
#include "gguf/gguf_metadata.hpp"
#include "gguf/gguf_rope.hpp"
#include "json/parse.hpp"

namespace pst::gguf {
namespace {

using Json = nlohmann::ordered_json;
using families::GgufKey;
using families::GgufNames;

constexpr std::int64_t kMaxLayers = 10'000;

[[noreturn]] void refuse(const File& file, const std::string& reason, const std::string& remedy = {}) {
  throw Error(Fault::data, cat(file.path().string(), ": ", reason), remedy);
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

/// Values of a head. Where the file does not say, heads share the width of the stream.
std::int64_t head_dim_of(const Metadata& metadata) {
  const std::int64_t heads = metadata.size("attention.head_count");
  const std::int64_t dim = metadata.has("attention.key_length") ? metadata.size("attention.key_length", 65536)
                                                                : metadata.size("embedding_length") / heads;
  if (dim < 1)
    metadata.refuse(cat(heads, " heads of ", metadata.size("embedding_length"), " values cannot be rotated"));
  if (const auto value = metadata.integer("attention.value_length"); value && *value != dim)
    metadata.refuse(cat("values have ", *value, " dimensions and keys ", dim, "; they must agree"));
  return dim;
}

/// What scores' divisor is in a model of `layers` layers.
std::int64_t score_divisor(const Metadata& metadata, std::string_view layers) {
  std::int64_t other = 0;
  std::from_chars(layers.data(), layers.data() + layers.size(), other);
  if (metadata.size("block_count", kMaxLayers) != other) return head_dim_of(metadata);
  return metadata.size("embedding_length") / metadata.size("attention.head_count");
}

Json value_of(const Metadata& metadata, const GgufKey& key) {
  using Kind = GgufKey::Kind;
  const auto optional = [&](const auto& value) -> Json {
    if (value) return *value;
    if (key.absent.empty()) metadata.refuse(cat(metadata.key(key.theirs), " is missing or not above 0"));
    return json::parse_ordered(key.absent, "a row of families");
  };
  switch (key.kind) {
    case Kind::size: return metadata.size(key.theirs, key.theirs == "block_count" ? kMaxLayers : std::int64_t{1} << 31);
    case Kind::real: return optional(metadata.positive(key.theirs));
    case Kind::flag: return optional(metadata.flag(key.theirs));
    case Kind::tensor: return metadata.file().find_tensor(key.theirs) != nullptr;
    case Kind::key_heads:
      return metadata.size(metadata.has(key.theirs) ? key.theirs : std::string_view("attention.head_count"));
    case Kind::head_dim: return head_dim_of(metadata);
    case Kind::score_divisor: return score_divisor(metadata, key.theirs);
  }
  throw Error(Fault::bug, cat("a key of GGUF without a kind: ", key.ours));
}

/// Whether each layer has a window: as the file lists them, or all but every `pattern`-th, of which the file may give
/// another number.
std::vector<bool> sliding_layers(const Metadata& metadata, std::int64_t pattern) {
  constexpr std::string_view kPattern = "attention.sliding_window_pattern";
  const std::int64_t layers = metadata.size("block_count", kMaxLayers);
  std::vector<bool> sliding;
  if (const auto listed = metadata.integers(kPattern)) {
    for (const auto one : *listed) sliding.push_back(one != 0);
    if (std::ssize(sliding) != layers)
      metadata.refuse(cat(metadata.key(kPattern), " has ", sliding.size(), " entries for ", layers, " layers"));
    return sliding;
  }
  if (metadata.has(kPattern)) pattern = metadata.size(kPattern, kMaxLayers);
  for (std::int64_t i = 0; i < layers; ++i) sliding.push_back((i + 1) % pattern != 0);
  return sliding;
}

void add_windows(const Metadata& metadata, int pattern, Json& config) {
  if (pattern == 0) return;
  std::int64_t window = metadata.integer("attention.sliding_window").value_or(0);
  if (window < 0) metadata.refuse(cat(metadata.key("attention.sliding_window"), " is ", window));
  config["sliding_window"] = window == 0 ? Json(nullptr) : Json(window);
  if (pattern == 1) return;
  Json types = Json::array();
  for (const bool slides : sliding_layers(metadata, pattern))
    types.push_back(slides && window > 0 ? "sliding_attention" : "full_attention");
  config["layer_types"] = std::move(types);
}

}  // namespace

const families::Family& family_of(const File& file) {
  const std::string architecture = file.needed_text("general.architecture");
  for (const families::Family* const family : families::find_gguf(architecture)) {
    const std::string_view when = family->gguf->when;
    if (when.empty() || file.integer(cat(architecture, ".", when)).value_or(0) > 0) return *family;
  }
  refuse(file, cat("the architecture ", quoted(architecture), " is not supported"),
         cat("supported are ", families::known_gguf_architectures()));
}

std::string config_json(const File& file, const families::Family& family) {
  if (const auto type = file.text("general.type"); type && *type != "model")
    refuse(file, cat("it holds a ", quoted(*type), ", not a model"));
  const TensorInfo* const embedding = file.find_tensor("token_embd.weight");
  if (!embedding || embedding->shape.size() != 2) refuse(file, "there is no matrix token_embd.weight");
  const std::int64_t vocabulary = embedding->shape[0];
  if (vocabulary >= std::int64_t{1} << 31) refuse(file, "the vocabulary is too large");

  const GgufNames& names = *family.gguf;
  const Metadata metadata(file, names.architecture);
  Json config = {
      {"architectures", {family.architecture}}, {"model_type", family.model_type}, {"vocab_size", vocabulary}};
  const auto add = [&](const GgufKey& key) { config[key.ours] = value_of(metadata, key); };
  for (const GgufKey& key : names.sizes) add(key);
  add(names.eps);
  if (names.rope.turns) add_rope(metadata, names.rope, head_dim_of(metadata), config);
  for (const GgufKey& key : names.more) add(key);
  add_windows(metadata, names.window_pattern, config);
  config.update(json::parse_ordered(names.fixed, "a row of families"));
  config["tie_word_embeddings"] = file.find_tensor("output.weight") == nullptr;
  config["bos_token_id"] = optional_json(token_id(file, "tokenizer.ggml.bos_token_id", vocabulary));
  config["eos_token_id"] = eos_json(end_tokens(file, vocabulary));
  config["pad_token_id"] = optional_json(token_id(file, "tokenizer.ggml.padding_token_id", vocabulary));
  config["torch_dtype"] = "bfloat16";
  metadata.refuse_unasked();
  return config.dump(2) + "\n";
}

std::string generation_config_json(const families::ModelSpec& model) {
  const Json json = {{"bos_token_id", optional_json(model.bos_token_id)},
                     {"eos_token_id", eos_json(model.eos_token_ids)},
                     {"pad_token_id", optional_json(model.pad_token_id)}};
  return json.dump(2) + "\n";
}

}  // namespace pst::gguf
