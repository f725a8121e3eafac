// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "families/spec.hpp"
#include "json/object.hpp"

namespace pst::families {

/// What llama.cpp calls a family's parts in a GGUF file. @see llama.cpp gguf-py/gguf/constants.py
struct GgufNames {
  std::string_view architecture;  ///< of general.architecture, and the beginning of its metadata's keys
  struct Part {
    std::string_view ours, theirs;  ///< after "model.layers.N." and after "blk.N."
  };
  std::span<const Part> layer_parts;
  /// Its converter reorders the rows of each head of q_proj and k_proj for another way to rotate.
  bool permuted_heads = false;
};

/// One model_type of config.json: a row of table().
struct Family {
  std::string_view model_type;
  std::string_view architecture;  ///< of `architectures`: LlamaForCausalLM
  /// @throws Error(data) naming key and line, for a value that makes no model or that cannot be computed here
  ModelSpec (*read)(const json::Object& config);
  const GgufNames* gguf = nullptr;  ///< nullptr: its GGUF files are not imported
};

std::span<const Family* const> table();
const Family* find(std::string_view model_type);         ///< nullptr: no such row
const Family* find_gguf(std::string_view architecture);  ///< the first row of that architecture in GGUF files
std::string known_model_types();                         ///< "llama, mistral", for messages
std::string known_gguf_architectures();                  ///< likewise

}  // namespace pst::families
