// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <filesystem>
#include <set>
#include <string>

namespace pst::weights {

/// A folder `<dir>.part-<random>`, written by one process, and gone at the end unless it became `dir`: a folder of that
/// name is complete. Until then nobody else can look into it, and its name cannot be taken beforehand.
class PartFolder {
 public:
  /// @param dir    without a slash at its end
  /// @param files  names of what will be written: folders that a killed process of ours left with nothing but these are
  ///               removed
  /// @throws Error(usage) when another process writes the same `dir`; Error(io)
  PartFolder(const std::filesystem::path& dir, const std::set<std::string>& files);
  ~PartFolder();
  PartFolder(const PartFolder&) = delete;
  PartFolder& operator=(const PartFolder&) = delete;

  const std::filesystem::path& path() const { return part_; }
  /// @throws Error(io), also when somebody has put another folder in its place
  void commit();

 private:
  std::filesystem::path dir_, part_;
  int lock_ = -1;
  mode_t mode_ = 0700;  ///< that the folder gets in the end
  bool committed_ = false;
};

/// @throws Error(usage) unless `dir` does not exist or is an empty folder
void refuse_used_folder(const std::filesystem::path& dir);

}  // namespace pst::weights
