#include "telemetry/node_log.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"

namespace pst::telemetry {

using nlohmann::ordered_json;

struct NodeLog::Impl {
  Impl(const std::filesystem::path& path, std::string name) : file(path), node(std::move(name)) {}
  AppendFile file;
  std::string node;
  std::int64_t lost_lines = 0;  ///< since the last line that could be written
};

NodeLog::NodeLog(const std::filesystem::path& file, std::string node)
    : impl_(std::make_unique<Impl>(file, std::move(node))) {}

NodeLog::~NodeLog() = default;

void NodeLog::write(const ordered_json& record) {
  ordered_json line = {{"t", iso_time(unix_seconds())}, {"node", impl_->node}};
  for (const auto& [key, value] : record.items()) line[key] = value;
  if (impl_->lost_lines > 0) line["lost_lines"] = impl_->lost_lines;
  // Invalid UTF-8 is replaced, not thrown: a strange path in a record must not end a training run.
  const std::string text = line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  try {
    // A failed write may have left the beginning of a line. The extra newline ends it, so that only that line is lost.
    impl_->file.append(impl_->lost_lines > 0 ? "\n" + text : text);
    impl_->lost_lines = 0;
  } catch (const Error&) {
    ++impl_->lost_lines;
  }
}

}  // namespace pst::telemetry
