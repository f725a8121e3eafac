// SPDX-License-Identifier: Apache-2.0
#include "methods/biases.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/beside.hpp"
#include "weights/adapter_names.hpp"

namespace pst::config {

struct BiasChoice {
  methods::Biases* value;
  std::string_view only;  ///< the method's word for the biases of the layers that it adapts
};

template <>
struct YamlValue<BiasChoice> {
  static std::string type() { return "`none`, `all`, or the method's name and `_only`"; }
  static std::vector<std::string> words(const BiasChoice& choice) { return {"none", "all", std::string(choice.only)}; }
  static bool read(const Node& node, BiasChoice& choice, const Reading& reading) {
    std::size_t index = 0;
    if (!read_word(node, index, words(choice), reading)) return false;
    *choice.value = static_cast<methods::Biases>(index);
    return true;
  }
  static Node write(const BiasChoice& choice) {
    return Node::scalar(words(choice)[static_cast<std::size_t>(*choice.value)]);
  }
};

}  // namespace pst::config

namespace pst::methods {

bool takes_bias(const Method& method) { return !method.bias_of_adapted.empty(); }

std::string_view bias_word(const Adapter& adapter) {
  switch (adapter.biases) {
    case Biases::none: return "none";
    case Biases::all: return "all";
    case Biases::adapted: return adapter.method->bias_of_adapted;
  }
  return {};
}

void bind_bias(config::Fields& field, Adapter& adapter) {
  config::BiasChoice choice{&adapter.biases, adapter.method->bias_of_adapted};
  field("bias", &choice, "Biases of the model to train besides: none, all, or those of the layers that are adapted.");
}

Biases read_peft_bias(const Method& method, const json::Object& config) {
  const auto word = config.text("bias");
  if (!word || *word == "none") return Biases::none;
  if (*word == "all") return Biases::all;
  if (*word != method.bias_of_adapted)
    config.refuse("bias", cat("is ", quoted(*word), "; it must be none, all or ", method.bias_of_adapted));
  return Biases::adapted;
}

std::vector<TrainedBias> trained_biases(const Adapter& adapter, const Places& places,
                                        const std::vector<Adapted>& adapted) {
  std::vector<TrainedBias> biases;
  if (adapter.biases == Biases::none) return biases;
  for (std::size_t i = 0; i < places.linears.size(); ++i) {
    const LinearLayer& layer = places.linears[i];
    if (!layer.bias || layer.is_expert) continue;
    const bool is_adapted = std::any_of(adapted.begin(), adapted.end(), [&](const auto& of) { return of.layer == i; });
    if (!is_adapted && adapter.biases == Biases::adapted) continue;
    biases.push_back(
        {TrainedBias::Kind::linear, cat(layer.name, is_adapted ? ".base_layer.bias" : ".bias"), i, layer.out});
  }
  if (adapter.biases == Biases::all)
    for (std::size_t i = 0; i < places.norms.size(); ++i)
      if (const NormPlace& norm = places.norms[i]; norm.bias)
        biases.push_back({TrainedBias::Kind::norm, norm.name + ".bias", i, norm.width});

  const auto refuse_twice = [&](const std::string& module, const char* key) {
    for (const TrainedBias& bias : biases)
      if (bias.name.starts_with(module + "."))
        throw Error(Fault::usage, cat("adapter.bias and adapter.", key, " both train ", module),
                    cat("take it out of ", key, ", or write bias: none"));
  };
  for (const Saved& module : saved_modules(adapter.modules_to_save, places, adapted))
    refuse_twice(module.name, "modules_to_save");
  if (adapter.method->beside)
    for (const AdapterTensor& tensor : adapter.method->beside(adapter, places))
      if (const auto end = tensor.name.find(".token_adapter."); end != tensor.name.npos)
        refuse_twice(tensor.name.substr(0, end), "trainable_token_indices");
  return biases;
}

void require_biases(const Adapter& adapter, const Places& places) {
  if (adapter.biases == Biases::none) return;
  if (adapter.biases == Biases::all && !places.other_biases.empty())
    throw Error(Fault::usage, cat("adapter.bias is all, and ", places.other_biases.front(), " cannot be trained here"),
                cat("write bias: ", adapter.method->bias_of_adapted, " or none"));
  if (trained_biases(adapter, places, adapt(adapter, places.linears)).empty())
    throw Error(Fault::usage,
                cat("adapter.bias is ", bias_word(adapter), ", and no ",
                    adapter.biases == Biases::all ? "layer of this model" : "layer that is adapted", " has a bias"),
                "write bias: none");
}

}  // namespace pst::methods
