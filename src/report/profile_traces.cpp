// SPDX-License-Identifier: Apache-2.0
// The ranks' spans put together: one time line, and how much of a step each kind of work takes.
#include "report/profile_traces.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"
#include "report/line_blocks.hpp"
#include "report/profile_sums.hpp"

namespace pst::report {
namespace {

using json::integer;
using json::real;
using json::text_of;
using nlohmann::ordered_json;

fs::path folder_of(const rundir::RunDir& run, int attempt) { return run.attempt(attempt) / "profile"; }

/// In the order of ranks, whatever the order of names.
std::vector<RankTrace> traces_of(const fs::path& folder, std::vector<std::string>& gaps) {
  std::vector<RankTrace> traces;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder, missing)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("rank-") || !name.ends_with(".json")) continue;
    try {
      traces.push_back(look_at_trace(entry.path()));
    } catch (const Error& error) {
      gaps.push_back(error.message());
    }
  }
  std::sort(traces.begin(), traces.end(), [](const auto& a, const auto& b) { return a.rank < b.rank; });
  return traces;
}

/// The line with its time by the common clock. Our writer has "ts" before anything that could contain the word.
std::optional<std::string> with_time(std::string_view line, double ts_us) {
  constexpr std::string_view kKey = "\"ts\":";
  const auto at = line.find(kKey);
  if (at == std::string_view::npos) return std::nullopt;
  const auto end = line.find(',', at);
  if (end == std::string_view::npos) return std::nullopt;
  return cat(line.substr(0, at + kKey.size()), fixed(ts_us, 3), line.substr(end));
}

class Trace {
 public:
  explicit Trace(const fs::path& file) : file_(file) { file_.write("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n"); }
  void add(std::string_view line) {
    if (!first_) block_ += ",\n";
    first_ = false;
    block_ += line;
    if (block_.size() > kBlock) put();
  }
  void end() {
    block_ += "\n]}\n";
    put();
    file_.commit();
  }

 private:
  static constexpr std::size_t kBlock = 1 << 20;
  void put() {
    file_.write(block_);
    block_.clear();
  }
  DurableFile file_;
  std::string block_;
  bool first_ = true;
};

void read_spans(RankTrace& trace, double origin_unix_s, Trace& out, ProfileSums& sums) {
  const std::set<int> beside(trace.writer_lanes.begin(), trace.writer_lanes.end());
  sums.begin(trace);
  for_each_line(trace.file, [&](std::string_view line) {
    if (line == "[" || line == "{}]") return;
    if (line.ends_with(',')) line.remove_suffix(1);
    const auto record = json::parse_record(line);
    if (!record) {
      ++trace.unreadable_lines;
      return;
    }
    const auto& parsed = *record;
    if (text_of(parsed, "ph") == "M") {
      out.add(line);
      return;
    }
    const auto ts = real(parsed, "ts"), dur = real(parsed, "dur");
    const auto timed = ts ? with_time(line, 1e6 * (trace.unix_at(*ts) - origin_unix_s)) : std::nullopt;
    if (!timed || !dur || !parsed.contains("args") || !parsed["args"].is_object()) {
      ++trace.unreadable_lines;
      return;
    }
    out.add(*timed);
    const int lane = static_cast<int>(integer(parsed, "tid").value_or(0));
    sums.add(parsed, trace.unix_at(*ts), *dur, beside.count(lane) != 0);
  });
  sums.end();
}

std::vector<std::string> gaps_of(const std::vector<RankTrace>& traces) {
  std::vector<std::string> gaps;
  for (const auto& trace : traces) {
    const std::string who = cat("rank ", trace.rank, " on ", trace.host);
    if (!trace.whole) gaps.push_back(cat(who, ": its file ends in the middle; its whole steps count"));
    if (trace.unreadable_lines > 0) gaps.push_back(cat(who, ": ", trace.unreadable_lines, " lines cannot be read"));
    if (trace.lost_spans > 0) gaps.push_back(cat(who, ": ", trace.lost_spans, " spans were not written"));
    if (trace.clocks.empty()) gaps.push_back(cat(who, ": its clock was not compared with rank 0's"));
  }
  return gaps;
}

}  // namespace

int newest_profile(const rundir::RunDir& run) {
  std::error_code ignored;
  for (int attempt = run.last_attempt(); attempt > 0; --attempt)
    if (fs::exists(folder_of(run, attempt), ignored)) return attempt;
  return 0;
}

ordered_json merge_profile(const rundir::RunDir& run, int attempt, const fs::path& trace_file) {
  std::vector<std::string> gaps;
  std::vector<RankTrace> traces = traces_of(folder_of(run, attempt), gaps);
  if (traces.empty())
    throw Error(Fault::data, cat("attempt ", attempt, " of ", run.root().string(), " has no trace of a step"),
                "it ended before the first step that was to be traced");
  double origin_unix_s = traces.front().unix_at(0);
  for (const auto& trace : traces) origin_unix_s = std::min(origin_unix_s, trace.unix_at(0));

  Trace out(trace_file);
  ProfileSums sums;
  for (auto& trace : traces) read_spans(trace, origin_unix_s, out, sums);
  for (const auto& gap : gaps_of(traces)) gaps.push_back(gap);
  ordered_json profile = sums.result(attempt, traces);
  profile["gaps"] = gaps;
  out.end();
  return profile;
}

}  // namespace pst::report
