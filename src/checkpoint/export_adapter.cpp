// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/export_adapter.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "json/parse.hpp"
#include "weights/adapter_names.hpp"
#include "weights/tensor_writer.hpp"

namespace pst::checkpoint {
namespace {

constexpr std::string_view kStored = "adapter/";
/// Where one of these is there it is what the run makes: the optimizer's average, or the run's own.
constexpr std::string_view kAverages[] = {"optimizer/averaged/", "ema/"};

/// Of methods with random matrices that nobody trains: checkpoints leave them out, and whoever loads the adapter makes
/// them of the key in its config.
std::string without_projections(const std::string& adapter_config) {
  auto config = json::parse_ordered(adapter_config, "the checkpoint's adapter_config.json");
  if (!config.contains("save_projection")) return adapter_config;
  config["save_projection"] = false;
  return config.dump(2) + "\n";
}

struct Part {
  std::string stored;  // its name in the checkpoint
  weights::PlannedTensor planned;
  std::vector<float> values;
};

}  // namespace

void export_adapter(const Found& checkpoint, const fs::path& folder,
                    const std::map<std::string, std::string>& metadata) {
  const std::string where = checkpoint.folder.string();
  const fs::path config = folder / "adapter_config.json", model = folder / "adapter_model.safetensors";
  for (const auto& file : {config, model})
    if (fs::exists(file))
      throw Error(Fault::usage, cat(file.string(), " is there already"), "name a folder without an adapter in it");
  if (checkpoint.manifest.adapter_config.empty())
    throw Error(Fault::data, cat(where, " does not say what kind of adapter it has"));

  std::vector<Part> parts;
  std::set<std::string_view> stored;
  for (const TensorSpec& tensor : checkpoint.manifest.tensors) stored.insert(tensor.name);
  for (const TensorSpec& tensor : checkpoint.manifest.tensors) {
    if (!tensor.name.starts_with(kStored)) continue;
    const std::string name = tensor.name.substr(kStored.size());
    parts.push_back({tensor.name, {weights::adapter_tensor_name(name), "F32", tensor.shape}, {}});
    for (const std::string_view average : kAverages)
      if (const std::string averaged = cat(average, name); stored.contains(averaged)) parts.back().stored = averaged;
    if (name.starts_with(weights::kEncoderPrefix))
      throw Error(Fault::data,
                  cat("the adapter of ", where, " is made by a network, and its file holds what the network makes"),
                  "let the run end, or resume it with a lower train.max_steps: it writes the adapter");
  }
  if (parts.empty()) throw Error(Fault::data, cat(where, " has no tensor of an adapter"));
  std::vector<Target> targets;
  for (auto& part : parts) {
    const auto& shape = part.planned.shape;
    part.values.resize(static_cast<std::size_t>(rows_of(shape) * row_values(shape)));
    targets.push_back({part.stored, shape, view_of(std::span(part.values))});
  }
  load(checkpoint, targets, Asked::some);

  std::vector<weights::PlannedTensor> plan;  // in the order of the run's own file, which is then this one
  for (const auto& part : parts) plan.push_back(part.planned);
  make_directories(folder);
  weights::TensorWriter writer(model, plan, metadata);
  for (const auto& part : parts) writer.add(std::as_bytes(std::span(part.values)));
  writer.finish();
  write_durably(config, without_projections(checkpoint.manifest.adapter_config));
}

}  // namespace pst::checkpoint
