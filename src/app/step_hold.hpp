// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace pst::app {

/// For tests: holds a run after a step for as long as a file is there, so that a fault hits it at that step on any
/// machine. Without PEFT_STUDIO_TEST_HOLD in the environment nothing is ever held, nor looked at.
class StepHold {
 public:
  /// @param folder  one that all ranks see; empty: nothing is held
  /// @param says    the line that this rank appends to <folder>/reached-<step>; empty: another rank does
  StepHold(std::filesystem::path folder, std::string says, double limit_s = 300)
      : folder_(std::move(folder)), says_(std::move(says)), limit_s_(limit_s) {}

  /// The folder that PEFT_STUDIO_TEST_HOLD names.
  static std::filesystem::path folder_of_environment();

  /// After step `step` is done, by every rank: waits while <folder>/hold-<step> is there, or until `stop_wanted`.
  /// The rank's other threads, heartbeats among them, go on. @throws Error(usage), which nobody repeats, after limit_s
  /// Where <folder>/slow is, every step is as many seconds longer as that file says, whoever wants a stop.
  void after(std::int64_t step, const std::function<bool()>& stop_wanted) const;

 private:
  std::filesystem::path folder_;
  std::string says_;
  double limit_s_;
};

}  // namespace pst::app
