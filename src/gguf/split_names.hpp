// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

namespace pst::gguf {

/// The files that follow the first of a model in several: NAME-00002-of-00003.gguf and so on, beside it.
/// @throws Error(data) when `first` is not called NAME-00001-of-<count>.gguf
std::vector<std::filesystem::path> following_files(const std::filesystem::path& first, std::int64_t count);

}  // namespace pst::gguf
