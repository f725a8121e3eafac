// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "families/spec.hpp"
#include "json/object.hpp"

namespace pst::families {

struct GgufNames;

/// One model_type of config.json: a row of table().
struct Family {
  std::string_view model_type;
  std::string_view architecture;  ///< of `architectures`: LlamaForCausalLM
  /// @throws Error(data) naming key and line, for a value that makes no model or that cannot be computed here
  ModelSpec (*read)(const json::Object& config);
  const GgufNames* gguf = nullptr;  ///< nullptr: its GGUF files are not imported
};

std::span<const Family* const> table();
const Family* find(std::string_view model_type);  ///< nullptr: no such row
/// The rows of that architecture in GGUF files, those that ask for metadata first.
std::vector<const Family*> find_gguf(std::string_view architecture);
std::string known_model_types();         ///< "llama, mistral", for messages
std::string known_gguf_architectures();  ///< likewise

}  // namespace pst::families
