// SPDX-License-Identifier: Apache-2.0
#include "adapters/adapter_folder.hpp"

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "methods/peft_config.hpp"

namespace pst::adapters {
namespace {

constexpr std::uint64_t kMostConfigBytes = 1 << 20;

void require_files(const fs::path& dir) {
  std::error_code unreadable;
  for (const char* const file : {kConfigFile, kTensorsFile}) {
    if (fs::exists(dir / file, unreadable) || unreadable) continue;
    if (fs::exists(dir / "adapter_model.bin", unreadable))
      throw Error(Fault::data,
                  cat(dir.string(), " has its tensors in adapter_model.bin, a pickle, which may run any code"),
                  "load it with PEFT where you trust it, and save it with save_pretrained(DIR)");
    if (fs::exists(dir / "adapter" / kConfigFile, unreadable))
      throw Error(Fault::data, cat("there is no ", file, " in ", dir.string()),
                  cat("the adapter of that run is ", (dir / "adapter").string()));
    throw Error(Fault::data, cat("there is no ", file, " in ", dir.string()),
                "name a folder that PEFT or this program wrote");
  }
}

}  // namespace

AdapterFolder AdapterFolder::open(const fs::path& dir) {
  return doing(cat("reading the adapter ", dir.string()), [&] {
    require_files(dir);
    auto config = std::make_unique<json::Document>(dir / kConfigFile, kMostConfigBytes,
                                                   "take the file that belongs to the tensors");
    std::string type = config->object().at("peft_type").text();
    AdapterFolder folder{.dir = dir,
                         .type = std::move(type),
                         .config = std::move(config),
                         .tensors = weights::TensorStore::open(dir / kTensorsFile),
                         .adapter = {},
                         .unread = {}};
    try {
      folder.adapter = methods::read_peft_config(dir);
    } catch (const Error& error) {
      folder.unread = error.message();
    }
    return folder;
  });
}

const methods::Adapter& AdapterFolder::needed() const {
  if (!adapter) throw Error(Fault::data, unread, "see `peft-studio adapter list` for what can be read");
  return *adapter;
}

std::optional<fs::path> AdapterFolder::base_model() const {
  const std::string name = config->object().text("base_model_name_or_path").value_or("");
  std::error_code unreadable;
  if (!name.empty() && fs::exists(fs::path(name) / "config.json", unreadable)) return name;
  return std::nullopt;
}

}  // namespace pst::adapters
