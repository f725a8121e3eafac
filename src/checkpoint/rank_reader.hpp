// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "checkpoint/manifest.hpp"
#include "checkpoint/rank_index.hpp"

namespace pst::checkpoint {

/// One file of a checkpoint, opened for reading. Nothing is mapped: a file that is cut short meanwhile is an error and
/// not a signal.
class CheckedFile {
 public:
  /// @throws Error(data) when it is missing, no regular file, a link, or of another size than its entry says
  CheckedFile(const fs::path& folder, const FileEntry& entry);
  ~CheckedFile();
  CheckedFile(const CheckedFile&) = delete;
  CheckedFile& operator=(const CheckedFile&) = delete;

  void check_digest() const;  ///< @throws Error(data), Error(io)
  /// The index at the end of a rank's file; needs check_digest() first. @throws Error(data)
  RankIndex index(int rank, int ranks) const;
  /// Those of the tensor's rows `wanted` that the share has, compared with the checksums.
  /// @param out  room for all that are wanted; the others are left as they are. @throws Error(data), Error(io)
  void read_rows(const StoredShare& share, Rows wanted, View out) const;

 private:
  void read(std::uint64_t at, std::span<std::byte> out) const;
  fs::path path_;
  FileEntry entry_;
  int descriptor_ = -1;
};

}  // namespace pst::checkpoint
