// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace pst::weights {

/// The names of those files of a model's folder that decide how text becomes ids: tokenizer.json alone where it is
/// there, else the first of tekken.json, tokenizer.model, *.tiktoken, vocab.json with merges.txt, vocab.txt, and then
/// the settings that are read with it. The vocabulary itself comes first. Empty without any.
/// @see tokenizer/older_files.hpp, which reads them in this order
std::vector<std::string> vocabulary_files(const std::filesystem::path& model_dir);

}  // namespace pst::weights
