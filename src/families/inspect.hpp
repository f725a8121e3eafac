// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "families/spec.hpp"

namespace pst::families {

/// What `peft-studio model inspect DIR` tells about a model's folder.
struct ModelSummary {
  std::filesystem::path dir;
  ModelSpec spec;
  std::string architecture;  ///< first entry of `architectures`, or empty
  std::int64_t parameters = 0, embedding_parameters = 0, parameters_per_layer = 0;
  std::map<std::string, std::int64_t> values_by_dtype;  ///< "BF16", "NF4" ... -> number of values
  std::uint64_t bytes_on_disk = 0;                      ///< of the weight files
  std::int64_t weight_files = 0;
  struct Vocabulary {
    std::string file;          ///< "tokenizer.json"; of another the name is all that is told
    std::string model;         ///< "BPE"
    std::int64_t entries = 0;  ///< tokens of the model's own vocabulary
    std::int64_t added = 0, special = 0;
  };
  std::optional<Vocabulary> tokenizer;  ///< nothing where no file of one is there
  std::string chat_template;            ///< file that holds it, or empty
  std::string digest;                   ///< model_digest()
};

/// Reads and checks the folder (see check_model). @throws Error(data), Error(io)
ModelSummary inspect(const std::filesystem::path& model_dir);
/// Aligned "name  value" lines, with a newline at the end.
std::string to_text(const ModelSummary& summary);

}  // namespace pst::families
