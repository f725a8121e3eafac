// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>

namespace pst::weights {

/// Digest over the content of config.json, vocabulary_files() and every .safetensors file of the folder, in the order
/// of their names: two folders agree exactly when training from them is the same. @throws Error(data) without a
/// config.json; Error(io)
std::string model_digest(const std::filesystem::path& model_dir);

}  // namespace pst::weights
