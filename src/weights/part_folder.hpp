// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <set>
#include <string>

namespace pst::weights {

/// `<dir>.part`, written by one process at a time, and gone at the end unless it became `dir`: a folder of that name is
/// complete.
class PartFolder {
 public:
  /// @param dir    without a slash at its end
  /// @param files  names of what will be written: leftovers of a killed process by these names are removed
  /// @throws Error(usage) when another process holds it or somebody else's file lies in it; Error(io)
  PartFolder(const std::filesystem::path& dir, const std::set<std::string>& files);
  ~PartFolder();
  PartFolder(const PartFolder&) = delete;
  PartFolder& operator=(const PartFolder&) = delete;

  const std::filesystem::path& path() const { return part_; }
  void commit();

 private:
  void remove_leftovers(const std::set<std::string>& files) const;

  std::filesystem::path dir_, part_;
  int lock_ = -1;
  bool committed_ = false;
};

/// @throws Error(usage) unless `dir` does not exist or is an empty folder
void refuse_used_folder(const std::filesystem::path& dir);

}  // namespace pst::weights
