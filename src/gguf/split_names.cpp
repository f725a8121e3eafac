// SPDX-License-Identifier: Apache-2.0
#include "gguf/split_names.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::gguf {
namespace {

constexpr std::int64_t kMostFiles = 9999;

/// As names have it: 00001.
std::string padded(std::int64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
}

}  // namespace

std::vector<std::filesystem::path> following_files(const std::filesystem::path& first, std::int64_t count) {
  const std::string name = first.string(), end = cat("-00001-of-", padded(count), ".gguf");
  if (count < 1 || count > kMostFiles || !name.ends_with(end))
    throw Error(Fault::data, cat(name, ": it is one of ", count, " files, and its name does not end in ", end),
                "give the first of them its first name: the others are found by it");
  const std::string stem = name.substr(0, name.size() - end.size());
  std::vector<std::filesystem::path> files;
  for (std::int64_t i = 2; i <= count; ++i)
    files.emplace_back(cat(stem, "-", padded(i), "-of-", padded(count), ".gguf"));
  return files;
}

}  // namespace pst::gguf
