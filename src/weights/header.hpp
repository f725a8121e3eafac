// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pst::weights {

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  ///< the limit of the reference implementation

/// One entry of a safetensors header. Offsets count from the end of the header.
struct HeaderEntry {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0, end = 0;
};

struct Header {
  std::vector<HeaderEntry> entries;  ///< ordered by offset; they cover the data without overlap or hole
  std::map<std::string, std::string> metadata;
};

/// Reads and checks the JSON part of a safetensors file, untrusted, in memory proportional to its length.
/// @param data_bytes  size of the file behind the header
/// @param name        the file, for messages
/// @throws Error(data)
Header parse_header(std::string_view json, std::int64_t data_bytes, const std::string& name);

}  // namespace pst::weights
