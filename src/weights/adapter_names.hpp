// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace pst::weights {

/// What PEFT puts before the names of a model's modules: it wraps a model twice.
constexpr const char* kPeftPrefix = "base_model.model.";

/// Before the names of what makes a tensor of an adapter's file and is not in the file itself.
constexpr const char* kEncoderPrefix = "prompt_encoder.";

/// The name in a PEFT adapter's file of a tensor that we call `name`: behind the prefix, unless layers share it, as
/// "base_model.vera_A" and "prompt_embeddings".
inline std::string adapter_tensor_name(const std::string& name) {
  const bool is_whole = name == "prompt_embeddings" || name.starts_with("base_model.");
  return is_whole ? name : kPeftPrefix + name;
}

}  // namespace pst::weights
