// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/older_files.hpp"

#include <algorithm>
#include <vector>

#include "core/file.hpp"
#include "tokenizer/convert.hpp"

namespace pst::tokenizer {
namespace {

constexpr std::uint64_t kLargestFile = 128ull << 20;

std::optional<fs::path> tiktoken_in(const fs::path& dir) {
  std::vector<fs::path> found;
  std::error_code status;
  for (fs::directory_iterator at(dir, status), end; !status && at != end; at.increment(status))
    if (at->path().extension() == ".tiktoken") found.push_back(at->path());
  if (found.empty()) return std::nullopt;
  return *std::min_element(found.begin(), found.end());
}

}  // namespace

std::optional<ConvertedTokenizer> convert_older_files(const fs::path& dir) {
  std::error_code ignored;
  const auto is_there = [&](const char* name) { return fs::exists(dir / name, ignored); };
  const auto content = [&](const fs::path& file) { return read_file(file, kLargestFile); };
  const auto settings = [&] { return read_folder_settings(dir); };
  if (const auto file = dir / "tekken.json"; is_there("tekken.json"))
    return ConvertedTokenizer{convert_tekken(content(file), file.string()), file};
  if (const auto file = dir / "tokenizer.model"; is_there("tokenizer.model")) {
    const std::string bytes = content(file);
    if (is_tiktoken(bytes)) return ConvertedTokenizer{convert_tiktoken(bytes, settings(), file.string()), file};
    const auto model = SentencePieceModel::parse(bytes, file.string());
    FolderSettings with_scores = settings();
    with_scores.exact_scores = true;
    return ConvertedTokenizer{convert_sentencepiece(model, with_scores, file.string()), file};
  }
  if (const auto file = tiktoken_in(dir))
    return ConvertedTokenizer{convert_tiktoken(content(*file), settings(), file->string()), *file};
  if (const auto file = dir / "vocab.json"; is_there("vocab.json") && is_there("merges.txt"))
    return ConvertedTokenizer{
        convert_vocab_and_merges(content(file), file.string(), content(dir / "merges.txt"), settings()), file};
  if (const auto file = dir / "vocab.txt"; is_there("vocab.txt"))
    return ConvertedTokenizer{convert_vocab_txt(content(file), settings(), file.string()), file};
  return std::nullopt;
}

}  // namespace pst::tokenizer
