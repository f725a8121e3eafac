// SPDX-License-Identifier: Apache-2.0
#include "telemetry/sample_log.hpp"

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"

namespace pst::telemetry {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

SampleLog::SampleLog(const fs::path& folder, const std::string& host, const ordered_json& header)
    : recent_(folder / (host + ".recent.jsonl")),
      older_(folder / (host + ".recent.1.jsonl")),
      host_(host),
      header_(header) {
  make_directories(folder);
  thinned_log_ = std::make_unique<NodeLog>(folder / (host + ".jsonl"));
  thinned_log_->write(header_);
  begin_recent();
}

void SampleLog::begin_recent() {
  if (recent_log_) lost_ += recent_log_->lost_lines();
  recent_log_.reset();
  std::error_code ignored;
  fs::rename(recent_, older_, ignored);
  try {
    recent_log_ = std::make_unique<NodeLog>(recent_);
    recent_log_->write(header_);
  } catch (const Error&) {  // the disk may be full for a while: the next turn tries again
  }
  recent_lines_ = 0;
}

void SampleLog::add(const Snapshot& now) {
  if (last_) {
    if (recent_log_)
      recent_log_->write(sample_between(*last_, now));
    else
      ++lost_;
    if (++recent_lines_ >= kRecent) begin_recent();
  }
  last_ = now;
  if (!last_thinned_) {
    last_thinned_ = now;
  } else if (++since_thinned_ >= kThinned) {
    thinned_log_->write(sample_between(*last_thinned_, now));
    last_thinned_ = now;
    since_thinned_ = 0;
  }
}

std::int64_t SampleLog::lost_lines() const {
  return lost_ + thinned_log_->lost_lines() + (recent_log_ ? recent_log_->lost_lines() : 0);
}

}  // namespace pst::telemetry
