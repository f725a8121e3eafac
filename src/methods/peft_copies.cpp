// SPDX-License-Identifier: Apache-2.0
#include "methods/peft_copies.hpp"

#include <string_view>

#include "core/strings.hpp"
#include "methods/method.hpp"
#include "weights/adapter_names.hpp"

namespace pst::methods {

std::map<std::string, std::vector<std::int64_t>> peft_copies(const Adapter& adapter, const Places& places) {
  constexpr std::string_view kModel = "base_model.";
  std::map<std::string, std::vector<std::int64_t>> copies;
  copies[cat(weights::kPeftPrefix, places.embedding, ".base_layer.weight")] = {places.vocabulary,
                                                                               places.embedding_width};
  if (!adapter.method->shared) return copies;
  const std::vector<Adapted> adapted = adapt(adapter, places.linears);
  for (const AdapterTensor& tensor : adapter.method->shared(adapter, places.linears, adapted)) {
    if (tensor.trained || !tensor.saved || !tensor.name.starts_with(kModel)) continue;
    for (const Adapted& of : adapted)
      copies[cat(weights::kPeftPrefix, places.linears[of.layer].name, ".", tensor.name.substr(kModel.size()))] =
          tensor.shape;
  }
  return copies;
}

}  // namespace pst::methods
