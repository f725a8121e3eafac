// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "telemetry/node_log.hpp"
#include "telemetry/sample.hpp"

namespace pst::telemetry {

/// The samples of one node, bounded: `<host>.jsonl` has one line per kThinned seconds for good, `<host>.recent.jsonl`
/// one per second; after kRecent lines that becomes `<host>.recent.1.jsonl`, in place of the one before. So the last
/// ten to twenty minutes are there second by second, and an hour costs 360 lines however long a run takes.
class SampleLog {
 public:
  static constexpr int kThinned = 10;
  static constexpr int kRecent = 600;

  /// @param folder  attempts/<n>/samples, created. @throws Error(io)
  SampleLog(const std::filesystem::path& folder, const std::string& host, const nlohmann::ordered_json& header);
  void add(const Snapshot& now);
  std::int64_t lost_lines() const;

 private:
  void begin_recent();
  std::filesystem::path recent_, older_;
  std::string host_;
  nlohmann::ordered_json header_;
  std::unique_ptr<NodeLog> thinned_log_, recent_log_;
  std::optional<Snapshot> last_, last_thinned_;
  int since_thinned_ = 0, recent_lines_ = 0;
  std::int64_t lost_ = 0;
};

}  // namespace pst::telemetry
