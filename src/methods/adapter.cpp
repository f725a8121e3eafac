// SPDX-License-Identifier: Apache-2.0
#include "methods/adapter.hpp"

#include "config/fields.hpp"
#include "config/path_constraint.hpp"
#include "core/strings.hpp"
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

Adapter::Adapter() : Adapter(*table().front()) {}
Adapter::Adapter(const Method& chosen) : method(&chosen) { chosen.defaults(*this); }

void bind(config::Fields& field, Adapter& s) {
  Adapter* self = &s;
  field("type", &self, "Method, by PEFT's name for it.");
  s.method->bind(field, s);
  field("init_from", &s.init_from, config::Absent::null, config::path(),
        "PEFT adapter folder whose weights to start from.");
}

std::vector<Adapted> adapt(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  return adapter.method->adapt(adapter, layers);
}

std::vector<AdapterTensor> tensors_of(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  std::vector<AdapterTensor> tensors;
  const std::vector<Adapted> adapted = adapt(adapter, layers);
  for (const Adapted& of : adapted)
    for (const AdapterTensor& tensor : of.tensors) {
      tensors.push_back(tensor);
      tensors.back().name = cat(weights::kPeftPrefix, layers[of.layer].name, ".", tensor.name);
    }
  if (adapter.method->shared)
    for (AdapterTensor& tensor : adapter.method->shared(adapter, layers, adapted)) tensors.push_back(std::move(tensor));
  return tensors;
}

std::int64_t values_of(const AdapterTensor& tensor) {
  std::int64_t values = 1;
  for (const std::int64_t size : tensor.shape) values *= size;
  return values;
}

}  // namespace pst::methods
