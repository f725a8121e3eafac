// SPDX-License-Identifier: Apache-2.0
#include "families/read_model.hpp"

#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/family.hpp"
#include "families/token_ids.hpp"
#include "json/object.hpp"
#include "weights/stored_layout.hpp"

namespace pst::families {
namespace {

constexpr std::uint64_t kMaxConfigBytes = 16 << 20;

bool present(const fs::path& path) {
  std::error_code unreadable;  // reading it will say why
  return fs::exists(path, unreadable) || unreadable;
}

weights::NumberFormat read_stored_format(const json::Object& root) {
  if (!root.find("quantization_config")) return weights::NumberFormat::none;
  const json::Object quantised = root.inner("quantization_config");
  std::vector<std::string> supported;
  for (const auto& row : weights::quantised_formats()) {
    if (row.stored->is_named_by(quantised)) return row.format;
    supported.push_back(cat(row.shown, " of ", row.stored->source));
  }
  root.refuse("quantization_config",
              cat("is of the method ", quoted(quantised.text("quant_method").value_or("bitsandbytes")),
                  ", in no format that can be read; supported are ", join(supported, ", ")),
              "use the model's bf16 or fp16 version");
}

}  // namespace

ModelSpec parse_model(const std::string& text, const std::string& name) {
  const json::Document document(text, name, "take the config.json that belongs to the weights");
  const json::Object root = document.object();
  const auto model_type = root.text("model_type");
  if (!model_type)
    throw Error(Fault::data, cat(name, ": 'model_type' is missing"), "name the config.json of a language model");
  const Family* const family = find(*model_type);
  if (!family)
    root.refuse("model_type", cat("is ", quoted(*model_type), "; supported are ", known_model_types()),
                "use a model of one of these families");
  ModelSpec model = family->read(root);
  model.model_type = *model_type;
  model.stored = read_stored_format(root);
  return model;
}

ModelSpec read_model(const fs::path& model_dir) {
  const fs::path path = model_dir / "config.json";
  if (!present(path))
    throw Error(Fault::data, cat("no config.json in ", model_dir.string()), "name the folder of a Hugging Face model");
  ModelSpec model = parse_model(read_file(path, kMaxConfigBytes), path.string());
  if (const fs::path generation = model_dir / "generation_config.json"; present(generation)) {
    const json::Document document(generation, kMaxConfigBytes);
    auto ids = token_ids(document.object(), "eos_token_id", model.vocabulary);
    if (!ids.empty()) model.eos_token_ids = std::move(ids);
  }
  return model;
}

}  // namespace pst::families
