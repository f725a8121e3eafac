// SPDX-License-Identifier: Apache-2.0
#include "methods/study.hpp"

#include "core/strings.hpp"
#include "methods/lora.hpp"
#include "weights/adapter_names.hpp"

namespace pst::methods {

std::optional<Study> study_of(const Adapter& adapter) {
  if (!reads_data(adapter)) return std::nullopt;
  const Lora& keys = adapter.as<Lora>();
  const LoraInit init = keys.init_lora_weights;
  return Study{.looks = init == LoraInit::eva     ? Study::Looks::inputs_until_settled
                        : init == LoraInit::corda ? Study::Looks::covariances
                                                  : Study::Looks::gradients,
               .name = word_of(init),
               .inputs = keys.eva_config,
               .covariances = keys.corda_config,
               .gradients = keys.lora_ga_config};
}

std::vector<std::vector<Studied>> study_rounds(const Adapter& adapter, const std::vector<Studied>& layers) {
  return study_rounds(adapter.as<Lora>(), layers);
}

std::string start_tensor(const std::string& layer, char factor) {
  return weights::adapter_tensor_name(cat(layer, ".", factor == 'A' ? kLoraA : kLoraB));
}

std::optional<std::string> layer_of_start(std::string_view tensor, std::string_view prefix) {
  const std::string ending = cat(".", kLoraA);
  if (!tensor.starts_with(prefix) || !tensor.ends_with(ending)) return std::nullopt;
  return std::string(tensor.substr(prefix.size(), tensor.size() - prefix.size() - ending.size()));
}

Adapter with_found_start(const Adapter& adapter, const std::vector<LinearLayer>& layers,
                         const std::map<std::string, std::int64_t>& ranks, const std::string& file) {
  const bool shares_ranks = adapter.as<Lora>().init_lora_weights == LoraInit::eva;
  Adapter changed = shares_ranks ? with_ranks(adapter, layers, ranks) : adapter;
  changed.as<Lora>().start_values = file;
  return changed;
}

void list_every_key(Adapter& adapter) {
  if (adapter.own.type() == typeid(Lora)) adapter.as<Lora>().lists_every_key = true;
}

}  // namespace pst::methods
