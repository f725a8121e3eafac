// SPDX-License-Identifier: Apache-2.0
#include "app/step_hold.hpp"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"

namespace pst::app {

std::filesystem::path StepHold::folder_of_environment() {
  const char* const folder = std::getenv("PEFT_STUDIO_TEST_HOLD");
  return folder == nullptr ? "" : folder;
}

void StepHold::after(std::int64_t step, const std::function<bool()>& stop_wanted) const {
  if (folder_.empty()) return;
  if (std::ifstream slow(folder_ / "slow"); slow) {
    double seconds = 0;
    slow >> seconds;
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  }
  const auto hold = folder_ / cat("hold-", step);
  std::error_code ignored;
  if (!std::filesystem::exists(hold, ignored)) return;
  if (!says_.empty()) AppendFile(folder_ / cat("reached-", step)).append(says_);
  const double deadline = monotonic_seconds() + limit_s_;
  while (std::filesystem::exists(hold, ignored) && !stop_wanted()) {
    if (monotonic_seconds() > deadline)
      throw Error(Fault::usage, cat("held after step ", step, " for ", limit_s_, " s by ", hold.string()),
                  "remove that file, or unset PEFT_STUDIO_TEST_HOLD, which is for tests");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace pst::app
