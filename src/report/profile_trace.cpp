// SPDX-License-Identifier: Apache-2.0
// A rank's file of spans: its header, its clock.
#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"
#include "report/line_blocks.hpp"
#include "report/profile_traces.hpp"

namespace pst::report {
namespace {

using json::integer;
using json::real;
using json::text_of;
using nlohmann::ordered_json;

constexpr int kFormat = 1;  // telemetry::kProfileFormat

void take_metadata(RankTrace& trace, const ordered_json& line) {
  const std::string name = text_of(line, "name");
  const auto args = line.find("args");
  if (args == line.end() || !args->is_object()) return;
  if (name == "peft_studio") {
    if (const auto format = integer(*args, "format"); format.value_or(0) > kFormat)
      throw Error(Fault::data, cat(trace.file.string(), " has format ", *format, "; this program reads ", kFormat),
                  "use the version of peft-studio that made the run");
    trace.rank = static_cast<int>(integer(*args, "rank").value_or(0));
    trace.ranks = static_cast<int>(integer(*args, "ranks").value_or(0));
    trace.host = text_of(*args, "host");
    trace.origin_unix_s = real(*args, "origin_unix_s").value_or(0);
  } else if (name == "clock") {
    trace.clocks.push_back({real(*args, "unix_s").value_or(0), real(*args, "offset_s").value_or(0),
                            real(*args, "uncertainty_s").value_or(0)});
  } else if (name == "thread_name" && text_of(*args, "name") != "training") {
    trace.writer_lanes.push_back(static_cast<int>(integer(line, "tid").value_or(0)));
  } else if (name == "lost_spans") {
    trace.lost_spans = integer(*args, "spans").value_or(0);
  }
}

}  // namespace

double RankTrace::unix_at(double ts_us) const {
  const double local = origin_unix_s + 1e-6 * ts_us;
  if (clocks.empty()) return local;
  const Clock &first = clocks.front(), &last = clocks.back();
  if (last.unix_s <= first.unix_s) return local + first.offset_s;
  const double along = std::clamp((local - first.unix_s) / (last.unix_s - first.unix_s), 0.0, 1.0);
  return local + first.offset_s + along * (last.offset_s - first.offset_s);
}

double RankTrace::uncertainty_s() const {
  double most = 0;
  for (const auto& clock : clocks) most = std::max(most, clock.uncertainty_s);
  return most;
}

RankTrace look_at_trace(const std::filesystem::path& file) {
  RankTrace trace{.file = file};
  bool ours = false;
  const LineCount count = for_each_line(file, [&](std::string_view line) {
    trace.whole = line == "{}]";
    if (line.find("\"ph\":\"M\"") == std::string_view::npos) return;
    if (line.ends_with(',')) line.remove_suffix(1);
    const auto parsed = json::parse_record(line);
    if (!parsed) return;
    ours = ours || text_of(*parsed, "name") == "peft_studio";
    take_metadata(trace, *parsed);
  });
  trace.whole = trace.whole && !count.torn_end;
  if (!ours)
    throw Error(Fault::data, cat(file.string(), " does not say which rank it is of"),
                "its beginning is lost: leave it out by removing it");
  return trace;
}

}  // namespace pst::report
