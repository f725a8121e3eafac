// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "methods/lora.hpp"
#include "peft/lora_start.hpp"
#include "weights/safetensors.hpp"

namespace pst::peft {

/// Where A and B start, as somebody found it in data and kept it in a file, under PEFT's names.
class FoundStart {
 public:
  explicit FoundStart(const std::string& file) : store_(weights::TensorStore::open(file)) {}
  /// Puts the layer's values in the place of `start`, which has their shapes; what the file has not stays as it is.
  /// @throws Error(data) when a shape is another
  void take(const std::string& layer, LowRank& start) const;

 private:
  weights::TensorStore store_;
};

/// Nothing where the start is not one of those, or a checkpoint has it.
std::optional<FoundStart> found_start(const methods::Lora& keys);

}  // namespace pst::peft
