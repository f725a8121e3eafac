// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace pst::checkpoint {

namespace fs = std::filesystem;

/// Everything that a save does to the disk, in this order; a test makes each of them fail.
enum class Step {
  make_folder,
  create_file,
  reserve_space,
  write_file,
  sync_file,
  read_back,
  write_receipt,
  check_ranks,
  write_state,
  write_manifest,
  sync_folder,
  fence,
  rename,
  sync_parent,
  prune,
};
inline constexpr std::array kAllSteps = {
    Step::make_folder, Step::create_file,   Step::reserve_space, Step::write_file,  Step::sync_file,
    Step::read_back,   Step::write_receipt, Step::check_ranks,   Step::write_state, Step::write_manifest,
    Step::sync_folder, Step::fence,         Step::rename,        Step::sync_parent, Step::prune};
const char* name_of(Step step);

/// For tests: the errno with which `step` shall fail, or 0.
using Sabotage = std::function<int(Step)>;

/// The writing half of the store's disk. Every failure is an Error(io) with the path and, on a full disk, bytes needed
/// and free.
class Disk {
 public:
  /// @param needed bytes of a whole save, for messages where a step itself cannot say
  explicit Disk(std::uint64_t needed = 0, Sabotage sabotage = {}) : needed_(needed), sabotage_(std::move(sabotage)) {}

  void make_folder(const fs::path& path) const;  ///< it may be there already; its parent too
  /// Writes `bytes` as a new file, durably, and compares what the file system then gives back with `bytes`.
  ///
  /// The kernel's cached pages of the file are dropped in between (posix_fadvise; a page that is still in use stays,
  /// and so do the drive's or the server's own caches): what is read came from the device or the server. So it proves
  /// that the right bytes arrived there, not that they will stay.
  struct Written {
    std::string digest;  ///< made block by block while each is still in the processor's cache
    double read_back_s = 0;
  };
  Written write_file(const fs::path& path, std::span<const std::byte> bytes, Step write = Step::write_file) const;
  void sync_folder(const fs::path& path, Step step) const;
  void rename(const fs::path& from, const fs::path& to) const;
  /// Writes a short text under a name that nobody sees before the text is whole. Not durable: a message, not a record.
  void put_message(const fs::path& path, std::string_view text, Step step) const;
  /// The two change names in one step; false when the file system cannot do that.
  bool exchange(const fs::path& one, const fs::path& other) const;
  /// Fails when `step` is sabotaged.
  void enter(Step step, const fs::path& path, std::uint64_t needed = 0) const;

 private:
  std::uint64_t needed_;
  Sabotage sabotage_;
};

/// Renames a folder to `.trash-...` beside it, so that nobody takes it for whole, and removes it. Missing is fine.
/// @throws Error(io)
void remove_folder(const fs::path& path);

}  // namespace pst::checkpoint
