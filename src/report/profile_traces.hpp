// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "rundir/run_dir.hpp"

namespace pst::report {

/// The newest attempt in which steps were traced; 0: none.
int newest_profile(const rundir::RunDir& run);

/// Puts the ranks' traces of one attempt on rank 0's clock and writes them as one Chrome trace to `trace`.
/// @return what they say, means over the traced ranks and their whole steps: "ranks", "steps", "step_ms", "parts" and
/// "hot_spots" (own time, largest first; the parts add up to the step), "layers", "collectives", "disk", "gaps",
/// "words"
/// @throws Error(data) when no rank's file holds a whole step; Error(io)
nlohmann::ordered_json merge_profile(const rundir::RunDir& run, int attempt, const std::filesystem::path& trace);

std::string profile_text(const nlohmann::ordered_json& profile);

// What it is put together from.

/// One file of a rank: its time line, and what it holds.
struct RankTrace {
  std::filesystem::path file;
  int rank = 0, ranks = 0;
  std::string host;
  double origin_unix_s = 0;  ///< its time 0, by its node's clock
  struct Clock {
    double unix_s = 0, offset_s = 0, uncertainty_s = 0;
  };
  std::vector<Clock> clocks;      ///< of rank 0 against the node's: when tracing began, and when it ended
  std::vector<int> writer_lanes;  ///< threads beside the training
  std::int64_t lost_spans = 0, unreadable_lines = 0;
  bool whole = false;  ///< it was closed in order
  /// Rank 0's Unix time at `ts_us` of the file. Between two readings of the clocks their difference grows evenly.
  double unix_at(double ts_us) const;
  double uncertainty_s() const;
};
/// @throws Error(data) when the file is not one of ours, Error(io)
RankTrace look_at_trace(const std::filesystem::path& file);

}  // namespace pst::report
