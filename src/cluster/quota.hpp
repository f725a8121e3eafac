// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

/// What a user may still put on a file system, as far as it can be asked.
namespace pst::cluster {

struct Quota {
  std::uint64_t used_bytes = 0, bytes = 0;  ///< the hard limit, else the soft one; 0: none
  std::uint64_t used_files = 0, files = 0;
  bool limits() const { return bytes > 0 || files > 0; }
};

/// The row that `quota -w -p` and `lfs quota` print for a file system: blocks of 1 KiB used, soft and hard limit,
/// grace, the same for files; a row may go on in the next line. Nothing when the words hold no such row.
std::optional<Quota> parse_quota(std::string_view words);

struct QuotaAnswer {
  std::optional<Quota> quota;
  std::string asked;  ///< "lfs quota", "quota", or why nobody was asked: "no program quota here"
};
/// Asks about the file system that `folder` (or its nearest existing parent) lies on: Lustre's own program there, else
/// `quota`. Never throws; a program that does not answer within ten seconds counts as no answer.
QuotaAnswer quota_of(const std::filesystem::path& folder);

/// File names that can still be made there; nothing where the file system has no such number.
std::optional<std::uint64_t> free_files(const std::filesystem::path& folder);

}  // namespace pst::cluster
