// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>

namespace pst::families {

/// Checks a model's folder: config, every tensor of its spec present with its shape and a floating dtype, or quantised
/// in the layout that config.json names, and all values finite. Reads all weights once. @throws Error(data) listing up
/// to ten problems at once
void check_model(const std::filesystem::path& model_dir);

}  // namespace pst::families
