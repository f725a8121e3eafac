// SPDX-License-Identifier: Apache-2.0
#include "datafiles/compression.hpp"

#include <array>

#include "core/strings.hpp"

namespace pst::datafiles {

extern const Compression kGzip, kZstd, kBzip2, kXz;

std::span<const Compression* const> compressions() {
  static const std::array rows = {&kGzip, &kZstd, &kBzip2, &kXz};
  return rows;
}

const Compression* compression_of(std::string_view file) {
  for (const Compression* const row : compressions())
    if (file.starts_with(row->magic)) return row;
  return nullptr;
}

std::string without_compression(const std::string& path) {
  for (const Compression* const row : compressions())
    if (lower(path).ends_with(row->suffix)) return path.substr(0, path.size() - std::string_view(row->suffix).size());
  return path;
}

}  // namespace pst::datafiles
