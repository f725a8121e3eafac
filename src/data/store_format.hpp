// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace pst::data {

/// The files of a prepared store (docs/formats/data.md). A split is three of them, in the machine's byte order
/// (little-endian on every machine that we run on):
///   <split>.index   IndexHeader, then IndexEntry per document
///   <split>.ids     int32 per token       <split>.labels  uint8 per token
/// meta.json has the version and, for each file, its size and digest; it is written last.
inline constexpr int kStoreVersion = 1;

struct IndexHeader {
  char magic[8] = {'P', 'S', 'T', 'D', 'A', 'T', 'A', '1'};
  std::uint32_t byte_order = 0x01020304;
  std::int32_t largest_id = -1;
  std::uint64_t documents = 0, tokens = 0;
};
static_assert(sizeof(IndexHeader) == 32);

struct IndexEntry {
  std::uint64_t end = 0;       ///< of the document in .ids and .labels, in tokens; it begins where the one before ends
  std::uint32_t labelled = 0;  ///< tokens with a label
  std::uint32_t reserved = 0;
};
static_assert(sizeof(IndexEntry) == 16);

struct SplitFiles {
  std::filesystem::path index, ids, labels;
};
inline SplitFiles files_of(const std::filesystem::path& store, const std::string& split) {
  return {store / (split + ".index"), store / (split + ".ids"), store / (split + ".labels")};
}

}  // namespace pst::data
