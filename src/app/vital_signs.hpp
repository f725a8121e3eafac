// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

#include "heartbeat/sender.hpp"

namespace pst::app {

/// What a rank tells its supervisor. Made before MPI_Init, so that one that hangs in there is noticed too. Without a
/// supervisor (a worker started by hand) nothing is told to anybody.
class VitalSigns {
 public:
  /// @throws Error(data) when the supervisor's attempts/<n>/heartbeat.json is damaged
  VitalSigns(const std::filesystem::path& run, int attempt);

  void enter(heartbeat::Phase phase) {
    if (sender_) sender_->enter(phase);
  }
  void progress(std::int64_t step, heartbeat::Phase phase) {
    if (sender_) sender_->progress(step, phase);
  }
  /// A checkpoint is wanted, and an end with status 76.
  bool stop_requested() const { return sender_ && sender_->stop_requested(); }

 private:
  std::optional<heartbeat::Sender> sender_;
};

}  // namespace pst::app
