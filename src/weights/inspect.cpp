// SPDX-License-Identifier: Apache-2.0
#include "weights/inspect.hpp"

#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "weights/json.hpp"
#include "weights/safetensors.hpp"

namespace pst::weights {
namespace {

using nlohmann::json;

std::optional<json> read_json(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  return parse_json(read_file(path), path.string());
}

std::optional<ModelSummary::Vocabulary> vocabulary_of(const fs::path& dir) {
  const auto file = read_json(dir / "tokenizer.json");
  if (!file) return std::nullopt;
  ModelSummary::Vocabulary vocabulary;
  if (file->is_object() && file->contains("model") && (*file)["model"].is_object()) {
    const json& model = (*file)["model"];
    if (const auto type = model.find("type"); type != model.end() && type->is_string())
      vocabulary.model = type->get<std::string>();
    if (const auto vocab = model.find("vocab"); vocab != model.end())
      vocabulary.entries = static_cast<std::int64_t>(vocab->size());
  }
  if (file->is_object() && file->contains("added_tokens") && (*file)["added_tokens"].is_array()) {
    for (const auto& token : (*file)["added_tokens"]) {
      ++vocabulary.added;
      if (token.is_object() && token.contains("special") && token["special"] == true) ++vocabulary.special;
    }
  }
  return vocabulary;
}

std::string chat_template_of(const fs::path& dir) {
  std::error_code ignored;
  if (fs::exists(dir / "chat_template.jinja", ignored)) return "chat_template.jinja";
  const auto config = read_json(dir / "tokenizer_config.json");
  if (config && config->is_object() && config->contains("chat_template") && !(*config)["chat_template"].is_null())
    return "tokenizer_config.json";
  return {};
}

std::string architecture_of(const fs::path& dir) {
  const auto config = read_json(dir / "config.json");
  if (!config || !config->contains("architectures")) return {};
  const json& names = (*config)["architectures"];
  return names.is_array() && !names.empty() && names[0].is_string() ? names[0].get<std::string>() : std::string();
}

std::int64_t count_of(const std::vector<std::int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::string count_text(std::int64_t value) {
  const std::string exact = grouped(value);
  if (value >= 1'000'000'000) return cat(exact, " (", fixed(static_cast<double>(value) / 1e9, 2), " B)");
  if (value >= 1'000'000) return cat(exact, " (", fixed(static_cast<double>(value) / 1e6, 1), " M)");
  return exact;
}

std::string rope_text(const ModelConfig& config) {
  std::string text = cat("theta ", number(config.rope_theta));
  if (const auto& s = config.rope_scaling)
    text += cat(", llama3 scaling by ", number(s->factor), " from ", s->original_max_position_embeddings,
                " positions (low ", number(s->low_freq_factor), ", high ", number(s->high_freq_factor), ")");
  return text;
}

}  // namespace

ModelSummary inspect(const fs::path& model_dir) {
  check_model(model_dir);
  ModelSummary summary;
  summary.dir = model_dir;
  summary.config = read_model_config(model_dir);
  summary.architecture = architecture_of(model_dir);

  const TensorStore store = TensorStore::open(model_dir);
  for (const auto& spec : expected_tensors(summary.config)) {
    const Tensor& tensor = store.get(spec.name);
    const auto count = count_of(spec.shape);
    summary.parameters += count;
    summary.values_by_dtype[tensor.dtype == "U8"        ? "NF4"
                            : tensor.dtype == "I8"      ? "INT8"
                            : tensor.dtype == "F8_E4M3" ? "FP8"
                                                        : tensor.dtype] += count;
    if (spec.name == "model.embed_tokens.weight") summary.embedding_parameters = count;
    if (starts_with(spec.name, "model.layers.0.")) summary.parameters_per_layer += count;
  }
  for (const auto& file : store.files()) {
    summary.bytes_on_disk += fs::file_size(file);
    ++summary.weight_files;
  }
  summary.tokenizer = vocabulary_of(model_dir);
  summary.chat_template = chat_template_of(model_dir);
  summary.digest = model_digest(model_dir);
  return summary;
}

std::string to_text(const ModelSummary& summary) {
  const ModelConfig& c = summary.config;
  std::string text;
  const auto line = [&](std::string name, const std::string& value) {
    name.resize(16, ' ');
    text += cat(name, value, "\n");
  };
  std::vector<std::string> dtypes;
  for (const auto& [dtype, values] : summary.values_by_dtype)
    dtypes.push_back(summary.values_by_dtype.size() == 1 ? dtype : cat(dtype, " ", grouped(values)));

  line("model", summary.dir.string());
  line("architecture", cat(summary.architecture.empty() ? "not named" : summary.architecture, " (", c.model_type, "), ",
                           c.num_hidden_layers, " layers"));
  line("sizes", cat("hidden ", c.hidden_size, ", intermediate ", c.intermediate_size, ", heads ", c.num_attention_heads,
                    ":", c.num_key_value_heads, " of ", c.head_dim, ", vocabulary ", c.vocab_size));
  line("biases", cat("attention ", c.attention_bias ? "yes" : "no", ", mlp ", c.mlp_bias ? "yes" : "no"));
  line("parameters", count_text(summary.parameters));
  line("  embedding", count_text(summary.embedding_parameters));
  line("  per layer", count_text(summary.parameters_per_layer));
  line("output head", c.tie_word_embeddings ? "tied to the embedding" : "own weights");
  line("dtype", join(dtypes, ", "));
  line("on disk", cat(human_bytes(summary.bytes_on_disk), " in ", summary.weight_files,
                      summary.weight_files == 1 ? " file" : " files"));
  line("context", cat(grouped(c.max_position_embeddings), " tokens"));
  line("rope", rope_text(c));
  line("norm eps", number(c.rms_norm_eps));
  if (summary.tokenizer)
    line("tokenizer", cat(summary.tokenizer->model, ", ", grouped(summary.tokenizer->entries), " entries, ",
                          summary.tokenizer->added, " added tokens (", summary.tokenizer->special, " special)"));
  else
    line("tokenizer", "none: tokenizer.json is missing");
  std::vector<std::string> eos;
  for (const auto id : c.eos_token_ids) eos.push_back(std::to_string(id));
  line("end tokens", eos.empty() ? "not named" : join(eos, ", "));
  line("chat template", summary.chat_template.empty() ? "none" : summary.chat_template);
  line("digest", summary.digest);
  return text;
}

}  // namespace pst::weights
