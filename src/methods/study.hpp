// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "methods/data_starts.hpp"

// What runs a study needs to know of it, whatever the method.
namespace pst::methods {

/// What is looked at in data to find where an adapter starts.
struct Study {
  enum class Looks { inputs_until_settled, covariances, gradients } looks;
  std::string name;  ///< the recipe's word
  EvaConfig inputs;
  CordaConfig covariances;
  LoraGaConfig gradients;
};
/// Nothing where the start is found without data.
std::optional<Study> study_of(const Adapter& adapter);
std::vector<std::vector<Studied>> study_rounds(const Adapter& adapter, const std::vector<Studied>& layers);

/// A tensor of a layer's start, under PEFT's name.
std::string start_tensor(const std::string& layer, char factor);
/// The layer whose first factor is called so, behind `prefix`.
std::optional<std::string> layer_of_start(std::string_view tensor, std::string_view prefix);
/// The adapter with its start. @param ranks  of the layers in it, by name. @param file  see Lora::start_values
Adapter with_found_start(const Adapter& adapter, const std::vector<LinearLayer>& layers,
                         const std::map<std::string, std::int64_t>& ranks, const std::string& file);

/// Lets bind() visit keys too that belong to another value of one before them.
void list_every_key(Adapter& adapter);

}  // namespace pst::methods
