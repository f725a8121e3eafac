// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>

namespace pst::adapters {

/// Writes a LoRA adapter as the file that llama.cpp loads beside the model's own GGUF (`--lora`): A and B in f32, B's
/// rows as that model's rows lie there. Other scales than alpha / r go into B.
/// @param model  folder of the model: its config.json says which layers there are
/// @throws Error(usage) naming what llama.cpp has no place for: another type, DoRA, biases, modules trained whole,
///         experts, the embedding, a family without GGUF names; Error(data) for files that do not fit; Error(io)
/// @see llama.cpp convert_lora_to_gguf.py
void export_gguf(const std::filesystem::path& adapter, const std::filesystem::path& model,
                 const std::filesystem::path& to);

}  // namespace pst::adapters
