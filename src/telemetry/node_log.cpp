// SPDX-License-Identifier: Apache-2.0
#include "telemetry/node_log.hpp"

#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"

namespace pst::telemetry {

using nlohmann::ordered_json;

struct NodeLog::Impl {
  explicit Impl(const std::filesystem::path& path) : file(path) {}
  AppendFile file;
  std::int64_t untold = 0;  ///< lost since the last line that could be written
  std::int64_t lost = 0;
};

NodeLog::NodeLog(const std::filesystem::path& file) : impl_(std::make_unique<Impl>(file)) {}

NodeLog::~NodeLog() = default;

void NodeLog::write(const ordered_json& record, double unix_s) {
  ordered_json line = {{"t", iso_time(unix_s > 0 ? unix_s : unix_seconds())}};
  for (const auto& [key, value] : record.items()) line[key] = value;
  if (impl_->untold > 0) line["lost_lines"] = impl_->untold;
  // Invalid UTF-8 is replaced, not thrown: a strange path in a record must not end a training run.
  const std::string text = line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  try {
    // A failed write may have left the beginning of a line. The extra newline ends it, so that only that line is lost.
    impl_->file.append(impl_->untold > 0 ? "\n" + text : text);
    impl_->untold = 0;
  } catch (const Error&) {
    ++impl_->untold;
    ++impl_->lost;
  }
}

std::int64_t NodeLog::lost_lines() const { return impl_->lost; }

}  // namespace pst::telemetry
