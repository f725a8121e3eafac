// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pst::cluster {

struct ChildSettings {
  std::vector<std::string> argv;  ///< argv[0] is looked up on PATH
  std::string remedy_when_missing;
  std::filesystem::path output;                    ///< appended to, by both streams; empty: ours
  std::map<std::string, std::string> environment;  ///< for names that are not set already
};

/// A long-running program that must not outlive us: in a process group of its own, told to stop (SIGTERM) by the kernel
/// should we die first, and cleaned up with all its descendants when the object goes away.
class Child {
 public:
  /// @throws Error(unfit) when the program is missing, Error(io) when the output file cannot be opened
  explicit Child(const ChildSettings& settings);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Its exit status (128 + signal when one ended it), or nothing while it runs.
  std::optional<int> poll();
  void signal(int number) const;        ///< to the program itself; a launcher passes it on to its ranks
  void signal_group(int number) const;  ///< to every process of its group

 private:
  pid_t pid_ = -1;
  std::optional<int> status_;
};

}  // namespace pst::cluster
