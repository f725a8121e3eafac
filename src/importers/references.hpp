// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "config/node.hpp"

namespace pst::importers {

/// Puts the values of other keys where OmegaConf's references stand: `${model_dir}/tokenizer.model`, `${a.b}`. One that
/// asks for something else (an environment variable, a relative key, a key that is not there, itself) stays as it is.
/// @return the paths that were referred to
/// @throws Error(usage) for references that make the document many times as large
std::vector<std::string> resolve_references(config::Node& document);

}  // namespace pst::importers
