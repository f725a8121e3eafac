// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "families/spec.hpp"
#include "json/object.hpp"

/// Folders of models that see, of which the language model is trained alone.
namespace pst::families {

/// The model_type of its language model, where `config` is of such a folder: `text_config` is then its config.
std::optional<std::string> text_type_of(const json::Object& config);

/// Gives a language model the names that it has inside of such a folder: `model.language_model.layers...`, under which
/// servers look for adapters. @param model  read from text_config;  config: the whole
void place_in_vision_folder(const json::Object& config, ModelSpec& model);

}  // namespace pst::families
