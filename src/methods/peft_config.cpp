// SPDX-License-Identifier: Apache-2.0
#include "methods/peft_config.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/declared.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

constexpr std::array<std::string_view, 8> kOfEvery = {"peft_type",      "task_type",     "base_model_name_or_path",
                                                      "inference_mode", "revision",      "auto_mapping",
                                                      "peft_version",   "runtime_config"};

}  // namespace

bool is_of_every_method(std::string_view key) {
  return std::find(kOfEvery.begin(), kOfEvery.end(), key) != kOfEvery.end();
}

bool says_nothing(const json::Value& value) {
  return value.is_null() || value == false || value == "" || (value.is_structured() && value.empty());
}

void refuse_other_keys(const json::Object& config, std::initializer_list<std::string_view> read) {
  for (const auto& [key, node] : config.members()) {
    const auto is_key = [&key = key](std::string_view known) { return known == key; };
    if (says_nothing(node.value()) || is_of_every_method(key) || std::any_of(read.begin(), read.end(), is_key))
      continue;
    node.refuse(cat("is ", json::shown(node.value()), ", which is not supported here"),
                "take another adapter, or remove the key if what the adapter computes does not depend on it");
  }
}

Adapter read_peft_config(const std::filesystem::path& folder) {
  const auto file = folder / "adapter_config.json";
  return doing(cat("reading ", file.string()), [&] {
    const json::Document document(file, 1 << 20);
    const json::Object config = document.object();
    const std::string type = config.at("peft_type").text();
    const Method* const method = find(lower(type));
    if (!method) {
      std::vector<std::string> known;
      for (const Method* const row : table()) known.push_back(cat("'", row->name, "'"));
      config.refuse("peft_type", cat("is ", quoted(type), "; supported are ", join(known, ", "), " in capitals"));
    }
    return method->read_peft_config ? method->read_peft_config(config) : read_declared(*method, config);
  });
}

std::string peft_config_text(const Adapter& adapter, const std::vector<std::string>& modules,
                             const std::string& base_model) {
  json::Ordered config =
      adapter.method->peft_config ? adapter.method->peft_config(adapter, modules) : declared_config(adapter, modules);
  config["base_model_name_or_path"] = base_model;
  // PEFT asks for the tokenizer of a start text even where the values are there.
  if (adapter.method->start_text && adapter.method->start_text(adapter)) config["tokenizer_name_or_path"] = base_model;
  return config.dump(2) + "\n";
}

}  // namespace pst::methods
