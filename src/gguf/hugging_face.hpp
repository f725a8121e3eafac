// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "families/family.hpp"
#include "gguf/gguf_file.hpp"

namespace pst::gguf {

/// Whose model the file holds. @throws Error(data) for an architecture that no family has
const families::Family& family_of(const File& file);

/// The text of the model's config.json, as transformers 4 spells it and 5 reads it, from the file's metadata and the
/// tensors that are there. @throws Error(data) for what a config of the family cannot express
std::string config_json(const File& file, const families::Family& family);
/// The text of the generation_config.json that goes with it.
std::string generation_config_json(const families::ModelSpec& model);

}  // namespace pst::gguf
