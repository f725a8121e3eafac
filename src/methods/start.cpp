// SPDX-License-Identifier: Apache-2.0
#include "methods/start.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "methods/biases.hpp"
#include "methods/declared.hpp"
#include "methods/method.hpp"
#include "methods/peft_config.hpp"
#include "methods/peft_copies.hpp"
#include "weights/dtype.hpp"
#include "weights/finite.hpp"
#include "weights/safetensors.hpp"

namespace pst::methods {
namespace {

namespace fs = std::filesystem;

using Expected = std::map<std::string, AdapterTensor>;

constexpr const char* kFile = "adapter_model.safetensors";

void require_files(const fs::path& folder) {
  for (const char* const file : {"adapter_config.json", kFile}) {
    std::error_code unreadable;
    if (fs::exists(folder / file, unreadable)) continue;
    throw Error(
        Fault::data, cat("adapter.init_from is ", folder.string(), ", and there is no ", file, " in it"),
        fs::exists(folder / "adapter_model.bin", unreadable)
            ? "its adapter_model.bin is a pickle, which may run any code that is in it: load it with PEFT where "
              "you trust it, and save it with save_pretrained(DIR)"
            : "name a folder that PEFT or this program wrote");
  }
}

/// PEFT takes the first pattern of the file that fits a layer. A recipe's map has no such order: it is sorted.
/// @throws Error(data) where that makes a difference
void require_order(const fs::path& config_file, const Adapter& wanted, const std::vector<LinearLayer>& layers) {
  json::Ordered config;
  if (const auto flaw = json::read(read_file(config_file, 1 << 20), config, {.members = 4096}))
    throw Error(Fault::data, cat(config_file.string(), ": ", flaw->reason));
  for (const char* const key : {"rank_pattern", "alpha_pattern"}) {
    const auto found = config.find(key);
    if (found == config.end() || !found->is_object() || found->size() < 2) continue;
    std::vector<std::pair<std::string, double>> in_file;
    for (const auto& [name, value] : found->items()) in_file.emplace_back(name, value.get<double>());
    const ByPattern<double> first(key, in_file), sorted(key, std::map(in_file.begin(), in_file.end()));
    for (const Adapted& adapted : adapt(wanted, layers)) {
      const auto& stack = layers[adapted.layer].stack;
      const std::string layer =
          adapted.stack_module.empty() ? layers[adapted.layer].name : cat(stack->module, ".", stack->parameter);
      const double theirs = first.of(layer, 0), ours = sorted.of(layer, 0);
      if (theirs != ours)
        throw Error(Fault::data,
                    cat(config_file.string(), ": '", key, "' has two values for ", layer, ": PEFT takes ",
                        number(theirs), ", which is first in the file, and a recipe ", number(ours)),
                    "write patterns of which one alone fits each layer");
    }
  }
}

/// What the recipe's adapter consists of, by the names that PEFT gives.
Expected saved_tensors(const Adapter& wanted, const Places& places) {
  Expected saved;
  for (const AdapterTensor& tensor : tensors_of(wanted, places))
    if (tensor.saved) saved[tensor.name] = tensor;
  return saved;
}

/// Why names do not fit at all: an adapter's name within them, or something else before them than PEFT writes.
struct Misnamed {
  std::string what, remedy;
};
std::optional<Misnamed> misnamed(const std::string& found, const Expected& expected) {
  for (const auto& [name, tensor] : expected) {
    if (!name.starts_with(kPeftPrefix)) continue;
    const std::string bare = name.substr(std::string_view(kPeftPrefix).size());
    if (found.ends_with(bare))
      return Misnamed{
          cat("the names of the adapter's tensors begin with ", quoted(found.substr(0, found.size() - bare.size())),
              ", those of an adapter of this model with ", quoted(kPeftPrefix)),
          "it was saved from a model within another one: load it with PEFT onto this model, and save it with "
          "save_pretrained(DIR)"};
    // "lora_A.weight" as "lora_A.default.weight", and "ia3_l" as "ia3_l.default"
    const auto dot = name.rfind('.');
    const bool ends_in_weight = name.substr(dot) == ".weight";
    const std::string start = ends_in_weight ? name.substr(0, dot + 1) : name + ".",
                      end = ends_in_weight ? ".weight" : "";
    if (found.size() > start.size() + end.size() && found.starts_with(start) && found.ends_with(end))
      return Misnamed{cat("the names of the adapter's tensors have the adapter's name in them: ", quoted(found)),
                      "PEFT's save_pretrained(DIR) leaves it out: save it with that"};
  }
  return std::nullopt;
}

/// The decoder layers and the kinds of modules that names speak of.
struct Spoken {
  std::set<std::int64_t> layers;
  std::set<std::string> modules;
};
template <class Names, class Get>
Spoken places_of(const Names& names, const std::vector<std::string>& suffixes, const Get& get) {
  Spoken places;
  for (const auto& each : names) {
    const std::string& name = get(each);
    if (!name.starts_with(kPeftPrefix)) continue;  // what layers share belongs to none
    if (const auto layer = layer_number(name)) places.layers.insert(*layer);
    for (const auto& suffix : suffixes)
      if (name.ends_with("." + suffix))
        places.modules.insert(split(name.substr(0, name.size() - suffix.size() - 1), '.').back());
  }
  return places;
}

template <class T>
std::string listed(const std::set<T>& values) {
  std::vector<std::string> words;
  for (const auto& value : values) words.push_back(cat(value));
  return join(words, ", ");
}

/// @throws the error that names what is different; returns when nothing is
void compare_places(const Spoken& found, const Spoken& expected, const std::vector<LinearLayer>& layers) {
  std::int64_t last = -1;
  for (const auto& layer : layers) last = std::max(last, layer_number(layer.name).value_or(-1));
  if (!found.layers.empty() && *found.layers.rbegin() > last)
    throw Error(Fault::data,
                cat("the adapter to start from adapts decoder layer ", *found.layers.rbegin(),
                    ", and the model's last one is ", last),
                "take the adapter of this model: see base_model_name_or_path in its adapter_config.json");
  if (found.modules != expected.modules)
    throw Error(Fault::usage,
                cat("the adapter to start from adapts ", listed(found.modules), ", the recipe's adapter ",
                    listed(expected.modules)),
                cat("write adapter.target_modules: [", listed(found.modules), "], or start from another adapter"));
  if (found.layers != expected.layers)
    throw Error(Fault::usage,
                cat("the adapter to start from adapts the decoder layers ", listed(found.layers),
                    ", the recipe's adapter ", listed(expected.layers)),
                cat("if it belongs to this model, write adapter.layers_to_transform: [", listed(found.layers), "]"));
}

void compare(const weights::TensorStore& store, const Adapter& wanted, const Places& places) {
  const std::vector<LinearLayer>& layers = places.linears;
  const Expected expected = saved_tensors(wanted, places);
  const auto copies = peft_copies(wanted, places);
  const auto is_copy = [&](const weights::Tensor& t) {
    const auto copy = copies.find(t.name);
    return copy != copies.end() && copy->second == t.shape;
  };
  const auto unknown = std::find_if(store.tensors().begin(), store.tensors().end(), [&](const weights::Tensor& t) {
    return expected.count(t.name) == 0 && !is_copy(t);
  });
  const bool has_unknown = unknown != store.tensors().end();
  if (has_unknown)
    if (const auto problem = misnamed(unknown->name, expected))
      throw Error(Fault::data, problem->what, problem->remedy);
  std::vector<std::string> suffixes;
  for (const Adapted& adapted : adapt(wanted, layers))
    for (const AdapterTensor& tensor : adapted.tensors) suffixes.push_back(tensor.name);
  std::sort(suffixes.begin(), suffixes.end());
  suffixes.erase(std::unique(suffixes.begin(), suffixes.end()), suffixes.end());
  compare_places(places_of(
                     store.tensors(), suffixes, [](const auto& tensor) -> auto& { return tensor.name; }),
                 places_of(
                     expected, suffixes, [](const auto& entry) -> auto& { return entry.first; }),
                 layers);
  if (has_unknown)
    throw Error(Fault::data,
                cat("the adapter to start from has a tensor ", quoted(unknown->name),
                    ", for which the recipe's adapter has no place"),
                "use the adapter section that it was trained with");
  for (const auto& [name, tensor] : expected) {
    const weights::Tensor* const stored = store.find(name);
    if (!stored)
      throw Error(Fault::data, cat("tensor ", quoted(name), " is missing"), "copy the adapter's folder again");
    if (stored->shape != tensor.shape)
      throw Error(Fault::data,
                  cat("tensor ", name, " is ", weights::shape_text(stored->shape), ", the recipe's adapter has ",
                      weights::shape_text(tensor.shape), " there"),
                  "use the adapter section that it was trained with, and the model");
    if (tensor.dtype != Dtype::f32) {
      if (stored->core_dtype() != tensor.dtype)
        throw Error(Fault::data,
                    cat("tensor ", name, " has dtype ", stored->dtype, "; needed is ", name_of(tensor.dtype)));
      continue;
    }
    if (!weights::is_floating(stored->dtype))
      throw Error(Fault::data, cat("tensor ", name, " has dtype ", stored->dtype, "; needed is BF16, F16, F32 or F64"));
    if (const auto bad = weights::first_not_finite(*stored))
      throw Error(Fault::data, cat("value ", *bad, " of tensor ", name, " is not a finite number"),
                  "start from an earlier checkpoint of that training");
  }
}

/// What an encoder made cannot be trained on without it.
void require_whole(const Adapter& wanted, const Places& places) {
  for (const AdapterTensor& tensor : tensors_of(wanted, places))
    if (tensor.trained && !tensor.saved)
      throw Error(Fault::usage,
                  cat("an adapter of type ", wanted.method->name,
                      " with these keys cannot be the start of a training: what it was made with is not in the file"),
                  "leave adapter.init_from out; `checkpoint.resume` continues a run of this program");
}

}  // namespace

void require_start(const Adapter& stored, const Adapter& wanted) {
  if (stored.method != wanted.method)
    throw Error(
        Fault::usage,
        cat("the adapter to start from is of type ", stored.method->name, ", the recipe says ", wanted.method->name),
        cat("write adapter.type: ", stored.method->name, ", or start from another adapter"));
  const auto sorted = [](std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    return names;
  };
  if (sorted(stored.modules_to_save) != sorted(wanted.modules_to_save))
    throw Error(Fault::usage,
                cat("the adapter to start from has modules_to_save [", join(stored.modules_to_save, ", "),
                    "], the recipe says [", join(wanted.modules_to_save, ", "), "]"),
                cat("write adapter.modules_to_save: [", join(stored.modules_to_save, ", "),
                    "], or start from another adapter"));
  if (stored.biases != wanted.biases)
    throw Error(Fault::usage,
                cat("the adapter to start from has bias ", bias_word(stored), ", the recipe says ", bias_word(wanted)),
                cat("write adapter.bias: ", bias_word(stored), ", or start from another adapter"));
  if (wanted.method->check_start)
    wanted.method->check_start(stored, wanted);
  else
    require_declared(stored, wanted);
}

void check_start(const fs::path& folder, const Adapter& wanted, const Places& places) {
  require_files(folder);
  doing(cat("checking the adapter to start from, ", folder.string()), [&] {
    require_start(read_peft_config(folder), wanted);
    require_whole(wanted, places);
    require_order(folder / "adapter_config.json", wanted, places.linears);
    compare(weights::TensorStore::open(folder / kFile), wanted, places);
  });
}

}  // namespace pst::methods
