// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <map>
#include <string>

namespace pst::weights {

/// `weight_map` of a `model.safetensors.index.json`: tensor name -> file name, the latter checked to be a plain name,
/// so that no index reaches outside its folder. @throws Error(data)
std::map<std::string, std::string> read_weight_map(const std::filesystem::path& index);

}  // namespace pst::weights
