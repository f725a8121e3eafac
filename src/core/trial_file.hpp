// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace pst {

/// A new empty file that only we can read, for trying what a folder or disk does. Its name ends in what nobody knows
/// beforehand, so that it is no link that another user has put there. Gone when this object is.
class TrialFile {
 public:
  /// @param beginning  of its path, to which the rest is added. A failure is kept: see failure()
  explicit TrialFile(const std::filesystem::path& beginning);
  ~TrialFile();
  TrialFile(const TrialFile&) = delete;
  TrialFile& operator=(const TrialFile&) = delete;

  int descriptor() const { return descriptor_; }           ///< negative when it could not be made
  const std::string& failure() const { return failure_; }  ///< of the first thing that failed, as the system puts it
  bool good() const { return failure_.empty(); }
  void write(std::string_view bytes);  ///< nothing after a failure
  void flush();                        ///< to the disk; nothing after a failure

 private:
  std::string path_;
  int descriptor_;
  std::string failure_;
};

}  // namespace pst
