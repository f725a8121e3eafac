// SPDX-License-Identifier: Apache-2.0
// gguf-tokenizer FILE.gguf FOLDER
// Writes the tokenizer.json that the import of a GGUF file would write: for files that are a vocabulary and no model.
#include <iostream>

#include "core/file.hpp"
#include "gguf/tokenizer_files.hpp"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: gguf-tokenizer FILE.gguf FOLDER\n";
    return 64;
  }
  try {
    const pst::gguf::File file(argv[1]);
    const auto id = [&](const char* key) -> std::optional<std::int32_t> {
      const auto found = file.integer(key);
      return found ? std::optional(static_cast<std::int32_t>(*found)) : std::nullopt;
    };
    pst::families::ModelSpec model;
    const auto* const tokens = file.texts("tokenizer.ggml.tokens");
    model.vocabulary = tokens ? static_cast<std::int64_t>(tokens->size()) : 0;
    model.bos_token_id = id("tokenizer.ggml.bos_token_id");
    if (const auto eos = id("tokenizer.ggml.eos_token_id")) model.eos_token_ids = {*eos};
    const auto files = pst::gguf::tokenizer_files(file, model);
    const std::filesystem::path folder = argv[2];
    std::filesystem::create_directories(folder);
    pst::write_durably(folder / "tokenizer.json", files.tokenizer_json);
    pst::write_durably(folder / "tokenizer_config.json", files.tokenizer_config_json);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 65;
  }
}
