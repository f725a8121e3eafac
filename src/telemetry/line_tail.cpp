// SPDX-License-Identifier: Apache-2.0
#include "telemetry/line_tail.hpp"

#include <algorithm>
#include <string>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"

namespace pst::telemetry {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMaxLine = std::size_t{1} << 20;
constexpr std::size_t kMaxRead = std::size_t{2} << 20;  // as values it may be fifty times that

/// At most kMaxRead bytes from `offset` on. An offset past the end (the file was replaced) goes back to the start.
std::string read_from(const std::filesystem::path& file, std::uint64_t& offset) {
  const auto in = RegularFile::open_if_there(file);
  if (!in) return {};
  const std::uint64_t size = in->size();
  if (size < offset) offset = 0;
  return in->read(offset, static_cast<std::size_t>(std::min<std::uint64_t>(size - offset, kMaxRead)));
}

}  // namespace

std::vector<ordered_json> LineTail::read() {
  for (;;) {  // over stretches without a single record
    const auto before = offset_;
    auto records = read_once();
    if (!records.empty() || offset_ <= before) return records;
  }
}

std::vector<ordered_json> LineTail::read_once() {
  const std::string bytes = read_from(file_, offset_);
  std::vector<ordered_json> records;
  std::size_t begin = 0;
  for (std::size_t end; (end = bytes.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string_view line(bytes.data() + begin, end - begin);
    if (std::exchange(discarding_, false) || trim(line).empty()) continue;
    auto record = line.size() > kMaxLine ? std::nullopt : json::parse_record(line);
    if (record)
      records.push_back(*std::move(record));
    else
      ++skipped_;
  }
  offset_ += begin;
  if (bytes.size() - begin > kMaxLine) {  // a line that will never be accepted: do not read it again and again
    if (!discarding_) ++skipped_;
    discarding_ = true;
    offset_ += bytes.size() - begin;
  }
  return records;
}

void for_each_record(const std::filesystem::path& file, const std::function<void(const ordered_json&)>& take) {
  LineTail tail(file);
  for (auto some = tail.read(); !some.empty(); some = tail.read()) std::for_each(some.begin(), some.end(), take);
}

std::vector<ordered_json> read_lines(const std::filesystem::path& file) {
  std::vector<ordered_json> all;
  for_each_record(file, [&](const ordered_json& record) { all.push_back(record); });
  return all;
}

}  // namespace pst::telemetry
