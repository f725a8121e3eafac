// SPDX-License-Identifier: Apache-2.0
#include "support/tiny_model.hpp"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/rng.hpp"
#include "core/strings.hpp"
#include "core/view.hpp"
#include "families/family.hpp"
#include "families/read_model.hpp"
#include "weights/safetensors.hpp"

namespace pst::fixture {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kChatTemplate =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/// GPT-2's letters for the 256 bytes: printable ones stand for themselves, the others for U+0100 and on, in order.
std::array<std::string, 256> byte_letters() {
  std::array<std::string, 256> letters;
  unsigned next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    const unsigned letter = printable ? byte : next++;
    if (letter < 0x80)
      letters[byte] = {static_cast<char>(letter)};
    else
      letters[byte] = {static_cast<char>(0xc0 | letter >> 6), static_cast<char>(0x80 | (letter & 0x3f))};
  }
  return letters;
}

/// Pairs that are frequent in English; the last ones merge merged tokens.
std::array<std::pair<std::string, std::string>, kTinyMerges> merges(const std::string& space) {
  return {{{"t", "h"}, {"th", "e"}, {"i", "n"}, {"e", "r"}, {space, "a"}, {"o", "n"}, {space, "the"}, {"in", "g"}}};
}

std::string tokenizer_json() {
  const auto letters = byte_letters();
  Json vocab = Json::object(), pairs = Json::array(), added = Json::array();
  std::int32_t id = 0;
  for (const auto& letter : letters) vocab[letter] = id++;
  for (const auto& [left, right] : merges(letters[' '])) {
    vocab[left + right] = id++;
    pairs.push_back({left, right});
  }
  for (const char* token : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) {
    vocab[token] = id;
    added.push_back({{"id", id++},
                     {"content", token},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  PST_ASSERT(id == kTinyTokens, "the constants in the header count the vocabulary");
  const Json digits = {{"type", "Digits"}, {"individual_digits", true}};
  const Json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  const Json json = {{"version", "1.0"},
                     {"truncation", nullptr},
                     {"padding", nullptr},
                     {"added_tokens", added},
                     {"normalizer", nullptr},
                     {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", Json::array({digits, bytes})}}},
                     {"post_processor", nullptr},
                     {"decoder", bytes},
                     {"model",
                      {{"type", "BPE"},
                       {"dropout", nullptr},
                       {"unk_token", nullptr},
                       {"continuing_subword_prefix", nullptr},
                       {"end_of_word_suffix", nullptr},
                       {"fuse_unk", false},
                       {"byte_fallback", false},
                       {"ignore_merges", false},
                       {"vocab", vocab},
                       {"merges", pairs}}}};
  return json.dump(1) + "\n";
}

std::string tokenizer_config_json(const TinyModel& model) {
  const Json json = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                     {"bos_token", "<|endoftext|>"},
                     {"eos_token", "<|im_end|>"},
                     {"pad_token", "<|endoftext|>"},
                     {"unk_token", "<|endoftext|>"},
                     {"add_bos_token", false},
                     {"add_eos_token", false},
                     {"clean_up_tokenization_spaces", false},
                     {"model_max_length", model.max_positions},
                     {"chat_template", kChatTemplate}};
  return json.dump(2) + "\n";
}

/// Normally distributed, by Box and Muller.
float normal(const Rng& rng, std::uint64_t index) {
  const double radius = std::sqrt(-2 * std::log(1.0 - static_cast<double>(rng.uniform(2 * index))));
  return static_cast<float>(radius * std::cos(2 * std::numbers::pi * static_cast<double>(rng.uniform(2 * index + 1))));
}

std::uint16_t to_half(float value) {
  // Every weight here is far from the ends of the range: round the mantissa to ten bits, move the exponent's bias.
  if (std::fabs(value) < 6.2e-5f) return 0;
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t rounded = bits + 0xfffu + (bits >> 13 & 1u);
  return static_cast<std::uint16_t>((rounded >> 16 & 0x8000u) | ((rounded >> 13 & 0x3ffffu) - (112u << 10)));
}

std::vector<std::byte> values_of(const families::TensorSpec& spec, const TinyModel& model) {
  std::int64_t count = 1;
  for (const auto size : spec.shape) count *= size;
  const Rng rng = Rng(model.seed).child(spec.name);
  const bool norm = spec.shape.size() == 1 && spec.name.ends_with(".weight");
  std::vector<std::byte> bytes;
  const auto put = [&](auto value) {
    const auto raw = std::as_bytes(std::span(&value, 1));
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  };
  for (std::int64_t i = 0; i < count; ++i) {
    const float random = normal(rng, static_cast<std::uint64_t>(i));
    const float value = norm ? 1 + 0.1f * random : static_cast<float>(model.init_std) * random;
    if (model.dtype == "F32") put(value);
    if (model.dtype == "BF16") put(to_bf16(value));
    if (model.dtype == "F16") put(to_half(value));
  }
  return bytes;
}

}  // namespace

std::string tiny_config_json(const TinyModel& model) {
  const families::Family* const family = families::find(model.model_type);
  if (!family) throw Error(Fault::usage, cat("no family is called ", quoted(model.model_type)));
  const Json scaling = model.llama3_rope ? Json{{"rope_type", "llama3"},
                                                {"factor", 8.0},
                                                {"low_freq_factor", 1.0},
                                                {"high_freq_factor", 4.0},
                                                {"original_max_position_embeddings", 64}}
                                         : Json();
  const char* const torch_dtype = model.dtype == "F32" ? "float32" : model.dtype == "BF16" ? "bfloat16" : "float16";
  Json json = {{"architectures", {family->architecture}},
               {"model_type", model.model_type},
               {"vocab_size", model.vocab},
               {"hidden_size", model.hidden},
               {"intermediate_size", model.intermediate},
               {"num_hidden_layers", model.layers},
               {"num_attention_heads", model.heads},
               {"num_key_value_heads", model.kv_heads},
               {"head_dim", model.head_dim != 0 ? model.head_dim : model.hidden / model.heads},
               {"hidden_act", "silu"},
               {"max_position_embeddings", model.max_positions},
               {"rms_norm_eps", model.rms_norm_eps},
               {"rope_theta", model.rope_theta},
               {"rope_scaling", scaling},
               {"attention_bias", model.attention_bias},
               {"mlp_bias", model.mlp_bias},
               {"tie_word_embeddings", model.tied},
               {"bos_token_id", kTinyEndOfText},
               {"eos_token_id", kTinyImEnd},
               {"pad_token_id", kTinyEndOfText},
               {"torch_dtype", torch_dtype}};
  if (model.sliding_window != 0) json["sliding_window"] = model.sliding_window;
  const Json more = Json::parse(model.config, nullptr, /*allow_exceptions=*/false);
  if (!more.is_object()) throw Error(Fault::usage, cat("more of a config.json is no JSON object: ", model.config));
  json.merge_patch(more);
  return json.dump(2) + "\n";
}

void write_tiny_model(const fs::path& dir, const TinyModel& model) {
  if (model.vocab < kTinyTokens)
    throw Error(Fault::usage, cat("a tiny model needs a vocabulary of at least ", kTinyTokens));
  if (model.dtype != "F32" && model.dtype != "BF16" && model.dtype != "F16")
    throw Error(Fault::usage, cat("a tiny model has dtype F32, BF16 or F16, not ", quoted(model.dtype)));
  const std::string config = tiny_config_json(model);
  const families::ModelSpec spec =
      doing("making a tiny model", [&] { return families::parse_model(config, "its config.json"); });

  make_directories(dir);
  write_durably(dir / "config.json", config);
  const Json generation = {
      {"bos_token_id", kTinyEndOfText}, {"eos_token_id", kTinyImEnd}, {"pad_token_id", kTinyEndOfText}};
  write_durably(dir / "generation_config.json", generation.dump(2) + "\n");
  write_durably(dir / "tokenizer.json", tokenizer_json());
  write_durably(dir / "tokenizer_config.json", tokenizer_config_json(model));
  write_durably(dir / "chat_template.jinja", kChatTemplate);

  const auto specs = families::tensors_of(spec);
  std::vector<std::vector<std::byte>> values;
  std::vector<weights::NewTensor> tensors;
  for (const auto& tensor : specs) values.push_back(values_of(tensor, model));
  for (std::size_t i = 0; i < specs.size(); ++i)
    tensors.push_back({specs[i].name, model.dtype, specs[i].shape, values[i]});
  weights::save_tensors(dir / "model.safetensors", tensors);
}

}  // namespace pst::fixture
