// SPDX-License-Identifier: Apache-2.0
// What concerns a model's folder as a whole: its config from two files, its check, its digest.
#include <algorithm>
#include <set>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "weights/bitsandbytes.hpp"
#include "weights/dtype.hpp"
#include "weights/generation_config.hpp"
#include "weights/model_config.hpp"
#include "weights/safetensors.hpp"
#include "weights/scaled_fp8.hpp"

namespace pst::weights {
namespace {

constexpr std::uint64_t kMaxConfigBytes = 16 << 20;

bool present(const fs::path& path) {
  std::error_code unreadable;  // reading it will say why
  return fs::exists(path, unreadable) || unreadable;
}

/// Tensors that some converters leave in a file and that training does not need: a copy of the tied head, and the
/// rotary frequencies that old transformers versions stored.
bool may_be_left_over(const std::string& name, const ModelConfig& config) {
  return (config.tie_word_embeddings && name == "lm_head.weight") || ends_with(name, ".rotary_emb.inv_freq");
}

/// Whether `spec` is a matrix in the format that config.json names. @throws Error(data) when it is half of one
bool is_quantised(const TensorStore& store, const ModelConfig& config, const TensorSpec& spec) {
  if (!is_layer_matrix(spec.name)) return false;
  switch (config.stored) {
    case StoredFormat::dense: return false;
    case StoredFormat::nf4: return find_nf4(store, spec.name, spec.shape[0], spec.shape[1]).has_value();
    case StoredFormat::int8: return find_int8(store, spec.name, spec.shape[0], spec.shape[1]).has_value();
    case StoredFormat::fp8: return find_fp8(store, spec.name, spec.shape[0], spec.shape[1]).has_value();
  }
  return false;
}

std::vector<std::string> problems_of(const TensorStore& store, const ModelConfig& config) {
  std::vector<std::string> problems;
  std::set<std::string, std::less<>> known;
  for (const auto& spec : expected_tensors(config)) {
    const Tensor* tensor = store.find(spec.name);
    bool quantised = false, half = false;
    if (tensor) {
      try {
        quantised = is_quantised(store, config, spec);
      } catch (const Error& error) {
        problems.push_back(error.message());
        half = true;
      }
    }
    if (quantised || half) {
      const bool fp8 = config.stored == StoredFormat::fp8;
      for (auto& name : fp8 ? fp8_companions_of(spec.name) : companions_of(spec.name)) known.insert(std::move(name));
    } else if (!tensor)
      problems.push_back(cat("tensor ", spec.name, " ", shape_text(spec.shape), " is missing"));
    else if (tensor->shape != spec.shape)
      problems.push_back(cat("tensor ", spec.name, " is ", shape_text(tensor->shape), ", but config.json makes it ",
                             shape_text(spec.shape)));
    else if (!is_floating(tensor->dtype))
      problems.push_back(cat("tensor ", spec.name, " has dtype ", tensor->dtype, "; needed is BF16, F16, F32 or F64"));
    known.insert(spec.name);
  }
  for (const auto& tensor : store.tensors())
    if (known.find(tensor.name) == known.end() && !may_be_left_over(tensor.name, config))
      problems.push_back(cat("tensor ", quoted(tensor.name), " does not belong to a model of this config.json"));
  return problems;
}

}  // namespace

ModelConfig read_model_config(const fs::path& model_dir) {
  const fs::path path = model_dir / "config.json";
  if (!present(path))
    throw Error(Fault::data, cat("no config.json in ", model_dir.string()), "name the folder of a Hugging Face model");
  ModelConfig config = parse_model_config(read_file(path, kMaxConfigBytes), path.string());
  if (const fs::path generation = model_dir / "generation_config.json"; present(generation)) {
    auto ids = parse_generation_eos(read_file(generation, kMaxConfigBytes), generation.string(), config.vocab_size);
    if (!ids.empty()) config.eos_token_ids = std::move(ids);
  }
  return config;
}

void check_model(const fs::path& model_dir) {
  constexpr std::size_t kShown = 10;
  const ModelConfig config = read_model_config(model_dir);
  const TensorStore store = TensorStore::open(model_dir);
  auto problems = problems_of(store, config);
  if (problems.empty()) return;
  std::string message = cat(model_dir.string(), ": the weights do not fit config.json:");
  for (std::size_t i = 0; i < std::min(kShown, problems.size()); ++i) message += cat("\n  ", problems[i]);
  if (problems.size() > kShown) message += cat("\n  and ", problems.size() - kShown, " more");
  throw Error(Fault::data, message, "take config.json and weights from the same model, and download them completely");
}

std::string model_digest(const fs::path& model_dir) {
  std::vector<std::string> names = {"config.json"};
  if (present(model_dir / "tokenizer.json")) names.push_back("tokenizer.json");
  std::error_code status;
  for (fs::directory_iterator at(model_dir, status), end; !status && at != end; at.increment(status))
    if (at->path().extension() == ".safetensors") names.push_back(at->path().filename().string());
  if (status) throw Error(Fault::data, cat("cannot list ", model_dir.string(), ": ", status.message()));
  std::sort(names.begin(), names.end());

  Digester digester;
  for (const auto& name : names) {
    digester.add_field(name);
    digester.add_field(digest_of_file(model_dir / name));
  }
  return digester.hex();
}

}  // namespace pst::weights
