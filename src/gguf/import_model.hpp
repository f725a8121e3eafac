// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>

namespace pst::gguf {

/// Writes the model of a GGUF file as a Hugging Face folder: config.json, generation_config.json, model.safetensors
/// (bf16), tokenizer.json, tokenizer_config.json and, when the file has one, chat_template.jinja. The content depends
/// on the file only. Everything is written into `<dir>.part-<random>`, which becomes `dir` at the end: a folder of that
/// name is complete.
/// @param dir  must not exist, or be an empty folder
/// @throws Error(usage) when `dir` is in use; Error(data) for a file that cannot be read, or exactly expressed that
/// way; Error(io)
void import_gguf(const std::filesystem::path& gguf, const std::filesystem::path& dir);

}  // namespace pst::gguf
