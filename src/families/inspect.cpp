// SPDX-License-Identifier: Apache-2.0
#include "families/inspect.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/folder.hpp"
#include "families/read_model.hpp"
#include "json/parse.hpp"
#include "weights/model_digest.hpp"
#include "weights/safetensors.hpp"
#include "weights/stored_layout.hpp"
#include "weights/vocabulary_files.hpp"

namespace pst::families {
namespace {

std::optional<json::Value> read_json(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  return json::parse(read_file(path), path.string());
}

std::optional<ModelSummary::Vocabulary> vocabulary_of(const fs::path& dir) {
  const auto names = weights::vocabulary_files(dir);
  if (names.empty()) return std::nullopt;
  ModelSummary::Vocabulary vocabulary{.file = names.front()};
  if (names.front() != "tokenizer.json") return vocabulary;
  const auto file = read_json(dir / names.front());
  if (file->is_object() && file->contains("model") && (*file)["model"].is_object()) {
    const json::Value& model = (*file)["model"];
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
  const json::Value& names = (*config)["architectures"];
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

std::string rope_text(const RopeSpec& rope) {
  std::string text = cat("theta ", number(rope.theta));
  if (!rope.described.empty()) text += cat(", ", rope.described);
  return text;
}

bool any_bias(const std::vector<LinearSpec>& linears) {
  return std::any_of(linears.begin(), linears.end(), [](const LinearSpec& linear) { return linear.bias; });
}

/// "4,096 tokens in 5 of 6 layers"
std::string window_text(const ModelSpec& model) {
  std::size_t with = 0;
  std::int64_t window = 0;
  for (const auto& layer : model.layers)
    if (layer.attention.window) {
      ++with;
      window = *layer.attention.window;
    }
  if (with == 0) return {};
  const std::string tokens = cat(grouped(window), " tokens");
  return with == model.layers.size() ? tokens : cat(tokens, " in ", with, " of ", model.layers.size(), " layers");
}

/// "8 of 128, intermediate 768, in 48 layers"
std::string experts_text(const ModelSpec& model) {
  std::size_t with = 0;
  const MoeSpec* one = nullptr;
  for (const auto& layer : model.layers)
    if (layer.moe) {
      ++with;
      one = &*layer.moe;
    }
  if (!one) return {};
  return cat(one->chosen, " of ", one->experts.size(), " for each token, intermediate ", one->inner, ", in ", with,
             " of ", model.layers.size(), " layers", one->shared ? "; and one that all take" : "");
}

}  // namespace

ModelSummary inspect(const fs::path& model_dir) {
  check_model(model_dir);
  ModelSummary summary;
  summary.dir = model_dir;
  summary.spec = read_model(model_dir);
  summary.architecture = architecture_of(model_dir);

  const weights::NumberFormatRow& kept = weights::row_of(summary.spec.stored);
  const weights::TensorStore store = open_weights(model_dir, summary.spec);
  for (const auto& spec : tensors_of(summary.spec)) {
    const weights::Tensor& tensor = store.get(spec.name);
    const auto count = count_of(spec.shape);
    summary.parameters += count;
    const bool quantised = kept.stored && tensor.dtype == kept.stored->codes;
    summary.values_by_dtype[quantised ? kept.shown : tensor.dtype] += count;
    if (spec.name == summary.spec.embedding + ".weight") summary.embedding_parameters = count;
    if (spec.name.find(".layers.0.") != spec.name.npos) summary.parameters_per_layer += count;
  }
  for (const auto& file : store.files()) {
    summary.bytes_on_disk += fs::file_size(file);
    ++summary.weight_files;
  }
  summary.tokenizer = vocabulary_of(model_dir);
  summary.chat_template = chat_template_of(model_dir);
  summary.digest = weights::model_digest(model_dir);
  return summary;
}

std::string to_text(const ModelSummary& summary) {
  const ModelSpec& c = summary.spec;
  const LayerSpec& first = c.layers.front();
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
                           c.layers.size(), " layers"));
  line("sizes", cat("hidden ", c.hidden, ", intermediate ", std::max(first.mlp.inner, first.moe ? first.moe->inner : 0),
                    ", heads ", first.attention.query_heads, ":", first.attention.key_value_heads, " of ",
                    first.attention.head_dim, ", vocabulary ", c.vocabulary));
  line("biases", cat("attention ", any_bias(first.attention.inputs) ? "yes" : "no", ", mlp ",
                     any_bias(first.mlp.inputs) ? "yes" : "no"));
  if (const auto experts = experts_text(c); !experts.empty()) line("experts", experts);
  line("parameters", count_text(summary.parameters));
  line("  embedding", count_text(summary.embedding_parameters));
  line("  per layer", count_text(summary.parameters_per_layer));
  line("output head", c.tied_head ? "tied to the embedding" : "own weights");
  line("dtype", join(dtypes, ", "));
  line("on disk", cat(human_bytes(summary.bytes_on_disk), " in ", summary.weight_files,
                      summary.weight_files == 1 ? " file" : " files"));
  line("context", cat(grouped(c.positions), " tokens"));
  if (const auto window = window_text(c); !window.empty()) line("window", window);
  for (const RopeSpec& rope : c.ropes) line("rope", rope_text(rope));
  if (c.final_norm) line("norm eps", number(c.final_norm->eps));
  if (summary.tokenizer && summary.tokenizer->model.empty())
    line("tokenizer", cat("from ", summary.tokenizer->file));
  else if (summary.tokenizer)
    line("tokenizer", cat(summary.tokenizer->model, ", ", grouped(summary.tokenizer->entries), " entries, ",
                          summary.tokenizer->added, " added tokens (", summary.tokenizer->special, " special)"));
  else
    line("tokenizer", "none: no file of one is there");
  std::vector<std::string> eos;
  for (const auto id : c.eos_token_ids) eos.push_back(std::to_string(id));
  line("end tokens", eos.empty() ? "not named" : join(eos, ", "));
  line("chat template", summary.chat_template.empty() ? "none" : summary.chat_template);
  line("digest", summary.digest);
  return text;
}

}  // namespace pst::families
