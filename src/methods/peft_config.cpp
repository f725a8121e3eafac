// SPDX-License-Identifier: Apache-2.0
#include "methods/peft_config.hpp"

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"

namespace pst::methods {

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
    return method->read_peft_config(config);
  });
}

std::string peft_config_text(const Adapter& adapter, const std::vector<std::string>& modules,
                             const std::string& base_model) {
  json::Ordered config = adapter.method->peft_config(adapter, modules);
  config["base_model_name_or_path"] = base_model;
  return config.dump(2) + "\n";
}

}  // namespace pst::methods
