// SPDX-License-Identifier: Apache-2.0
#include "weights/vocabulary_files.hpp"

#include <algorithm>

#include "core/file.hpp"

namespace pst::weights {
namespace {

bool present(const fs::path& path) {
  std::error_code unreadable;  // reading it will say why
  return fs::exists(path, unreadable) || unreadable;
}

std::vector<std::string> first_vocabulary(const fs::path& dir) {
  for (const char* name : {"tokenizer.json", "tekken.json", "tokenizer.model"})
    if (present(dir / name)) return {name};
  std::vector<std::string> ranks;
  std::error_code status;
  for (fs::directory_iterator at(dir, status), end; !status && at != end; at.increment(status))
    if (at->path().extension() == ".tiktoken") ranks.push_back(at->path().filename().string());
  if (!ranks.empty()) return {*std::min_element(ranks.begin(), ranks.end())};
  if (present(dir / "vocab.json") && present(dir / "merges.txt")) return {"vocab.json", "merges.txt"};
  if (present(dir / "vocab.txt")) return {"vocab.txt"};
  return {};
}

}  // namespace

std::vector<std::string> vocabulary_files(const fs::path& model_dir) {
  auto names = first_vocabulary(model_dir);
  if (names.empty() || names[0] == "tokenizer.json" || names[0] == "tekken.json") return names;
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"})
    if (present(model_dir / name)) names.push_back(name);
  return names;
}

}  // namespace pst::weights
