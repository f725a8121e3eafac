// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config/fields.hpp"
#include "json/object.hpp"
#include "methods/method.hpp"
#include "methods/places.hpp"

// PEFT's key `bias`: which of the model's biases are trained besides a method's layers.
namespace pst::methods {

/// Whether a method has the key.
bool takes_bias(const Method& method);
/// PEFT's word for what an adapter trains.
std::string_view bias_word(const Adapter& adapter);
void bind_bias(config::Fields& field, Adapter& adapter);
/// @throws Error(data) naming the key's line, for a word that PEFT's method does not have
Biases read_peft_bias(const Method& method, const json::Object& config);

/// A bias of the model that is trained.
struct TrainedBias {
  enum class Kind { linear, norm } kind = Kind::linear;
  std::string name;       ///< PEFT's, as it wraps the layers that are adapted
  std::size_t place = 0;  ///< among the linear layers, or among the norms
  std::int64_t width = 0;
};
/// In the model's order. @throws Error(usage) for a bias that is trained in another way already
std::vector<TrainedBias> trained_biases(const Adapter& adapter, const Places& places,
                                        const std::vector<Adapted>& adapted);
/// @throws Error(usage) where a recipe asks for biases and the model has none, or has one that cannot be trained.
/// PEFT trains what there is, so that its adapters may say so of any model
void require_biases(const Adapter& adapter, const Places& places);

}  // namespace pst::methods
