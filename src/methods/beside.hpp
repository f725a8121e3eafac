// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "methods/method.hpp"
#include "methods/places.hpp"

// What most methods may train besides their own layers.
namespace pst::methods {

/// A module of which all values are trained.
struct Saved {
  enum class Kind { linear, embedding, norm } kind = Kind::linear;
  std::string name;
  std::size_t place = 0;               ///< among the linear layers, or among the norms
  std::vector<AdapterTensor> tensors;  ///< "weight", and "bias" where there is one
};

/// The modules that `modules_to_save` names: by PEFT's rule all whose names end so, be it in the middle of a word.
/// @throws Error(usage) for a name that fits nothing, a module that the adapter's layers hold, or a part of a model
std::vector<Saved> saved_modules(const std::vector<std::string>& names, const Places& places,
                                 const std::vector<Adapted>& adapted);

/// Rows of the embedding, or of the head, that are trained alone.
struct TrainedRows {
  std::string module;  ///< name
  bool is_head = false;
  bool ties_head = false;  ///< the head is the embedding, and follows it
  std::vector<std::int64_t> tokens;
};
struct TokenIndices {
  std::map<std::string, std::vector<std::int64_t>> by_module;
  bool operator==(const TokenIndices&) const = default;
};

/// @param indices  token ids by the end of a module's name; an empty name is the embedding's
/// @throws Error(usage) for another module, an id twice or beyond the vocabulary
std::vector<TrainedRows> trained_rows(const TokenIndices& indices, const Places& places);

}  // namespace pst::methods
