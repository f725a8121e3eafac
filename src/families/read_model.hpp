// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>

#include "families/spec.hpp"
#include "weights/safetensors.hpp"

namespace pst::families {

/// What the config.json of a model says, in the spelling of transformers 4 or 5. @param name  the file, for messages
/// @throws Error(data) with file:line where possible: a model_type that no row of table() has, a value that its family
///         refuses, a quantisation that is not supported
ModelSpec parse_model(const std::string& json, const std::string& name);
/// The same of a folder; end tokens of its generation_config.json win.
ModelSpec read_model(const std::filesystem::path& model_dir);

/// The weights of its folder, under the names that the spec has. @throws as weights::TensorStore::open()
weights::TensorStore open_weights(const std::filesystem::path& model_dir, const ModelSpec& model,
                                  WhenCut when_cut = WhenCut::end_program);

}  // namespace pst::families
