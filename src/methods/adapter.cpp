// SPDX-License-Identifier: Apache-2.0
#include "methods/adapter.hpp"

#include "config/fields.hpp"
#include "config/path_constraint.hpp"
#include "core/strings.hpp"
#include "methods/beside.hpp"
#include "methods/biases.hpp"
#include "methods/method.hpp"
#include "weights/adapter_names.hpp"

namespace pst::config {

/// A method by its name. Another one than before begins with its own defaults.
template <>
struct YamlValue<methods::Adapter*> {
  static std::vector<std::string> words() {
    std::vector<std::string> all;
    for (const auto* const method : methods::table()) all.emplace_back(method->name);
    return all;
  }
  static std::string type() {
    std::string all;
    for (const auto& word : words()) all += (all.empty() ? "`" : ", `") + word + "`";
    return all;
  }
  static bool read(const Node& node, methods::Adapter* value, const Reading& reading) {
    std::size_t index = 0;
    if (!read_word(node, index, words(), reading)) return false;
    if (const auto* const method = methods::table()[index]; method != value->method) {
      *value = methods::Adapter(*method);
    }
    return true;
  }
  static Node write(const methods::Adapter* value) { return Node::scalar(std::string(value->method->name)); }
};

}  // namespace pst::config

namespace pst::methods {

bool takes_saved_modules(const Method& method) {
  return method.fixed.empty() || method.fixed.find("modules_to_save") != method.fixed.npos;
}

std::string_view kept_apart(const Adapter& adapter) {
  return adapter.method->kept_apart ? adapter.method->kept_apart(adapter) : std::string_view();
}

bool is_whole_on_every_rank(const Adapter& adapter) {
  return adapter.method->whole_on_every_rank != nullptr && adapter.method->whole_on_every_rank(adapter);
}

Adapter::Adapter() : Adapter(*table().front()) {}
Adapter::Adapter(const Method& chosen) : method(&chosen) { chosen.defaults(*this); }

void bind(config::Fields& field, Adapter& s) {
  Adapter* self = &s;
  field("type", &self, "Method, by PEFT's name for it.");
  s.method->bind(field, s);
  if (takes_saved_modules(*s.method))
    field("modules_to_save", &s.modules_to_save,
          "Modules to train whole beside the adapter, by the end of their name: embed_tokens, lm_head, norm.");
  if (takes_bias(*s.method)) bind_bias(field, s);
  field("init_from", &s.init_from, config::Absent::null, config::path(),
        "PEFT adapter folder whose weights to start from.");
}

std::vector<Adapted> adapt(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  return adapter.method->adapt ? adapter.method->adapt(adapter, layers) : std::vector<Adapted>();
}

std::vector<AdapterTensor> tensors_of(const Adapter& adapter, const Places& places) {
  std::vector<AdapterTensor> all;
  const auto add = [&](const std::string& module, std::vector<AdapterTensor> tensors) {
    for (AdapterTensor& tensor : tensors) {
      tensor.name = weights::adapter_tensor_name(module.empty() ? tensor.name : cat(module, ".", tensor.name));
      all.push_back(std::move(tensor));
    }
  };
  const Method& method = *adapter.method;
  const std::vector<Adapted> adapted = adapt(adapter, places.linears);
  for (const Adapted& of : adapted)
    add(of.stack_module.empty() ? places.linears[of.layer].name : of.stack_module, of.tensors);
  if (method.shared) add({}, method.shared(adapter, places.linears, adapted));
  if (method.beside) add({}, method.beside(adapter, places));
  for (const Saved& module : saved_modules(adapter.modules_to_save, places, adapted)) add(module.name, module.tensors);
  for (const TrainedBias& bias : trained_biases(adapter, places, adapted))
    add({}, {{.name = bias.name, .shape = {bias.width}}});
  return all;
}

std::int64_t virtual_rows(const Adapter& adapter) {
  return adapter.method->virtual_rows ? adapter.method->virtual_rows(adapter) : 0;
}

std::int64_t values_of(const AdapterTensor& tensor) {
  std::int64_t values = 1;
  for (const std::int64_t size : tensor.shape) values *= size;
  return values;
}

}  // namespace pst::methods
