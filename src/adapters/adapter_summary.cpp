// SPDX-License-Identifier: Apache-2.0
#include "adapters/adapter_summary.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "adapters/lora_layers.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "methods/method.hpp"
#include "methods/peft_config.hpp"
#include "methods/peft_copies.hpp"
#include "recipe/linear_layers.hpp"
#include "weights/adapter_names.hpp"
#include "weights/dtype.hpp"
#include "weights/finite.hpp"
#include "weights/place.hpp"

namespace pst::adapters {
namespace {

constexpr std::size_t kMostNamed = 5;
constexpr double kEnergy = 0.9;

/// "a, b, c and 12 more"
std::string listed(const std::vector<std::string>& names) {
  std::vector<std::string> first(names.begin(),
                                 names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kMostNamed)));
  return cat(join(first, ", "), names.size() > kMostNamed ? cat(" and ", names.size() - kMostNamed, " more") : "");
}

/// Says of some tensors what is odd about them.
class Oddities {
 public:
  void add(const std::string& what, const std::string& name) {
    if (!names_.contains(what)) order_.push_back(what);
    names_[what].push_back(name);
  }
  std::vector<std::string> sentences() const {
    std::vector<std::string> all;
    for (const auto& what : order_) all.push_back(cat(what, ": ", listed(names_.at(what))));
    return all;
  }

 private:
  std::vector<std::string> order_;
  std::map<std::string, std::vector<std::string>> names_;
};

AdapterSummary::Tensor look_at(const weights::Tensor& tensor, Oddities& odd) {
  AdapterSummary::Tensor facts{tensor.name, tensor.dtype, tensor.shape, {}, {}};
  if (const auto bad = weights::first_not_finite(tensor)) {
    odd.add("values that are no finite numbers", cat(tensor.name, " (value ", *bad, ")"));
    return facts;
  }
  if (!weights::is_floating(tensor.dtype)) return facts;
  double squares = 0, largest = 0;
  for (std::int64_t i = 0; i < tensor.count(); ++i) {
    const double value = weights::value_at(tensor.bytes.data(), tensor.core_dtype(), static_cast<std::size_t>(i));
    squares += value * value;
    largest = std::max(largest, std::abs(value));
  }
  facts.norm = std::sqrt(squares);
  facts.largest = largest;
  // PEFT names what a GLoRA layer does not have so.
  if (largest == 0 && !tensor.name.ends_with(".zeros")) odd.add("all values are zero", tensor.name);
  return facts;
}

void look_at_names(const AdapterFolder& folder, Oddities& odd) {
  for (const auto& tensor : folder.tensors.tensors()) {
    const std::string& name = tensor.name;
    if (name.find(".default.") != name.npos || name.ends_with(".default"))
      odd.add("the adapter's own name is within names; PEFT's save_pretrained(DIR) leaves it out", name);
    else if (name.find('.') != name.npos && !name.starts_with("base_model."))
      odd.add(cat("names do not begin with ", weights::kPeftPrefix), name);
  }
}

std::vector<AdapterSummary::Layer> layers_of(const AdapterFolder& folder, Oddities& odd) {
  std::vector<AdapterSummary::Layer> layers;
  for (const LoraLayer& lora : lora_layers(folder)) {
    AdapterSummary::Layer& layer = layers.emplace_back();
    layer.module = lora.module;
    layer.rank = lora.rank();
    layer.singular = lora.singular_values();
    double squares = 0, reached = 0;
    for (const double value : layer.singular) squares += value * value;
    layer.norm = std::sqrt(squares);
    for (const double value : layer.singular) {
      if (reached >= kEnergy * squares) break;
      reached += value * value;
      ++layer.energy_rank;
    }
    if (layer.norm == 0) odd.add("layers that change nothing", layer.module);
  }
  return layers;
}

/// Names and shapes against what the adapter would be on this model.
void compare(const AdapterFolder& folder, const std::filesystem::path& model, Oddities& odd) {
  const methods::Places places = recipe::places_of(families::read_model(model));
  std::map<std::string, std::vector<std::int64_t>> expected;
  try {
    for (const auto& tensor : methods::tensors_of(folder.needed(), places)) {
      expected[tensor.name] = tensor.shape;
      if (tensor.saved && !folder.tensors.find(tensor.name))
        odd.add("tensors that the model's adapter lacks", tensor.name);
    }
  } catch (const Error& error) {
    odd.add("it does not fit the model", error.message());
    return;
  }
  expected.merge(methods::peft_copies(folder.needed(), places));
  for (const auto& tensor : folder.tensors.tensors()) {
    const auto found = expected.find(tensor.name);
    if (found == expected.end())
      odd.add("names that are not of this model", tensor.name);
    else if (found->second != tensor.shape)
      odd.add("shapes that are not of this model", cat(tensor.name, " is ", weights::shape_text(tensor.shape), ", not ",
                                                       weights::shape_text(found->second)));
  }
}

std::vector<Loader> loaders_of(const AdapterFolder& folder) {
  std::vector<Loader> all = {{"PEFT", {}}};
  if (!folder.adapter) return all;
  const std::string beyond = beyond_plain_lora(*folder.adapter), lacks = beyond.empty() ? beyond : cat("it ", beyond);
  // vLLM has this form for families of which it keeps all experts in one tensor itself.
  const bool is_stacked = !folder.adapter->targeting.target_parameters.empty();
  all.push_back({"vLLM", is_stacked ? lacks + ", which it takes for gpt_oss and qwen3_5_moe" : lacks});
  all.push_back({"llama.cpp", lacks});
  return all;
}

std::vector<std::pair<std::string, std::string>> said_keys(const json::Object& config) {
  std::vector<std::pair<std::string, std::string>> keys;
  for (const auto& [key, node] : config.members())
    if (!methods::says_nothing(node.value()) && !methods::is_of_every_method(key))
      keys.emplace_back(key, node.value().dump(-1, ' ', false, json::Value::error_handler_t::replace));
  return keys;
}

}  // namespace

AdapterSummary inspect(const std::filesystem::path& dir, const std::optional<std::filesystem::path>& model) {
  const AdapterFolder folder = AdapterFolder::open(dir);
  return doing(cat("looking at the adapter ", dir.string()), [&] {
    AdapterSummary summary;
    summary.dir = dir;
    summary.type = folder.type;
    summary.unread = folder.unread;
    const json::Object config = folder.config->object();
    summary.keys = said_keys(config);
    summary.base_model = config.text("base_model_name_or_path").value_or("");
    summary.loaders = loaders_of(folder);
    if (const auto* const method = methods::find(lower(folder.type))) {
      summary.help = method->help;
      summary.mergeable = folder.adapter && methods::kept_apart(*folder.adapter).empty();
    }
    Oddities odd;
    for (const auto& tensor : folder.tensors.tensors()) {
      summary.tensors.push_back(look_at(tensor, odd));
      summary.values += tensor.count();
      summary.bytes += tensor.bytes.size();
    }
    if (summary.tensors.empty()) odd.add("the file has no tensor", kTensorsFile);
    look_at_names(folder, odd);
    if (folder.adapter && folder.adapter->method->name == "lora") {
      try {
        summary.layers = layers_of(folder, odd);
      } catch (const Error& error) {
        odd.add("its layers cannot be looked at", error.message());
      }
    }
    if (model) compare(folder, *model, odd);
    summary.odd = odd.sentences();
    return summary;
  });
}

}  // namespace pst::adapters
