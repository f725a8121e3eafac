// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>

namespace pst::telemetry {

/// JSON lines of one node: `attempts/<n>/nodes/<host>.jsonl` and its like. Each record gets "t" (UTC).
/// A failing disk must not stop training: lines that cannot be written are counted and told in the next one that can.
class NodeLog {
 public:
  explicit NodeLog(const std::filesystem::path& file);  ///< @throws Error(io) when it cannot be created
  ~NodeLog();
  /// @param record  an object with "kind" (step, eval, sample, ...)
  /// @param unix_s  when it happened; 0: now
  void write(const nlohmann::ordered_json& record, double unix_s = 0);
  std::int64_t lost_lines() const;  ///< since the beginning

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pst::telemetry
