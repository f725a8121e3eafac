// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <any>
#include <optional>
#include <string>
#include <vector>

#include "methods/places.hpp"
#include "methods/targets.hpp"

namespace pst::methods {

struct Adapted;
struct AdapterTensor;
struct Method;

enum class Biases { none, all, adapted };  ///< of the model; the last: of the layers that are adapted

/// The recipe's section `adapter`: a method, and the keys that belong to it.
struct Adapter {
  Adapter();  ///< the first method of the table, with its defaults
  explicit Adapter(const Method& method);
  const Method* method;
  Targeting targeting;
  std::vector<std::string> modules_to_save;  ///< trained whole, beside the method's layers
  Biases biases = Biases::none;              ///< of the model that are trained besides
  std::vector<std::int64_t> start_tokens;  ///< of the text that the method starts from: whoever has the tokenizer sets
                                           ///< them
  std::any own;                            ///< the method's own keys, read by its bind()
  std::optional<std::string> init_from;    ///< PEFT adapter folder to start from

  template <class Keys>
  Keys& as() {
    return std::any_cast<Keys&>(own);
  }
  template <class Keys>
  const Keys& as() const {
    return std::any_cast<const Keys&>(own);
  }
};
void bind(config::Fields& field, Adapter& s);

/// The layers that get an adapter, in the model's order. @throws Error(usage) as the method's adapt() does
std::vector<Adapted> adapt(const Adapter& adapter, const std::vector<LinearLayer>& layers);

/// All tensors of the adapter, each by its whole name in PEFT's file.
/// @throws Error(usage) as the method's adapt() does
std::vector<AdapterTensor> tensors_of(const Adapter& adapter, const Places& places);
/// Rows that stand before every document: they take positions.
std::int64_t virtual_rows(const Adapter& adapter);
std::int64_t values_of(const AdapterTensor& tensor);

}  // namespace pst::methods
