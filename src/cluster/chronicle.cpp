// SPDX-License-Identifier: Apache-2.0
#include "cluster/chronicle.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"
#include "rundir/attempt.hpp"

namespace pst::cluster {
namespace {

using nlohmann::ordered_json;
using rundir::RunDir;

const char* name_of(End end) {
  switch (end) {
    case End::completed: return "completed";
    case End::superseded: return "superseded";
    case End::cancelled: return "cancelled";
    case End::paused: return "paused";
    case End::out_of_time: return "out-of-time";
    case End::preempted: return "preempted";
    case End::requeued: return "requeued";
    case End::failed: return "failed";
  }
  return "failed";
}

End end_named(const std::string& name) {
  for (const End end :
       {End::completed, End::superseded, End::cancelled, End::paused, End::out_of_time, End::preempted, End::requeued})
    if (name == name_of(end)) return end;
  return End::failed;
}

double to_milliseconds(double seconds) { return std::round(seconds * 1000) / 1000; }

std::int64_t whole(const ordered_json& event, const char* key) { return json::integer(event, key).value_or(0); }

}  // namespace

void record_fault(const RunDir& run, int attempt, const Seen& seen) {
  ordered_json details = {{"attempt", attempt}};
  if (!seen.ending.noticed.empty()) details["what"] = seen.ending.noticed;
  if (!seen.ranks.empty()) details["ranks"] = seen.ranks;
  if (!seen.hosts.empty()) details["hosts"] = seen.hosts;
  if (seen.noticed_after_s) details["noticed_after_s"] = to_milliseconds(*seen.noticed_after_s);
  if (seen.fault == Happening::no_progress) {
    details["deadline_s"] = to_milliseconds(seen.deadline_s);
    details["remedy"] = "the ranks' logs hold the stacks of that moment";
    return run.try_event("no-progress", details);
  }
  details["remedy"] =
      seen.fault == Happening::rank_silent
          ? "its node is dead, cut off or overloaded; node-lost follows when it answers no more"
          : "peft-studio logs RUN   has its last words; SIGKILL without any is most often memory: slurm.mem";
  run.try_event("rank-lost", details);
}

void record_dead_nodes(const RunDir& run, int attempt, const std::vector<std::string>& nodes) {
  if (nodes.empty()) return;
  run.try_event("node-lost",
                {{"attempt", attempt},
                 {"nodes", nodes},
                 {"remedy", "if a node is lost again and again: name it in slurm.exclude, and tell the site"}});
}

void record_attempt(const RunDir& run, int attempt, const AttemptEnd& end, const Outcome& outcome) {
  ordered_json details = {{"attempt", attempt},
                          {"end", name_of(end.end)},
                          {"exit", end.exit},
                          {"step", end.step},
                          {"node_lost", end.node_lost}};
  if (!outcome.reason.empty()) details["reason"] = outcome.reason;
  // A run that goes on and completes says it nowhere else.
  if (!outcome.remedy.empty()) details["remedy"] = outcome.remedy;
  run.try_event("attempt-ended", details);
}

void record_relaunch(const RunDir& run, int attempt, const Decision& decision, const std::vector<std::string>& before) {
  const ordered_json details = {{"attempt", attempt}, {"nodes", decision.nodes}, {"before", before}};
  if (decision.spare_used) run.try_event("spare-used", details);
  if (decision.shrunk) {
    ordered_json more = details;
    more["remedy"] = "the result does not change; slurm.spares keeps nodes ready instead";
    run.try_event("shrunk", more);
  }
  run.try_event("relaunched", details);
}

void record_outcome(const RunDir& run, int attempt, const Ending& ending, const Outcome& outcome, std::int64_t step) {
  ordered_json details = {
      {"attempt", attempt}, {"exit", outcome.exit}, {"launcher_status", ending.status}, {"step", step}};
  if (!outcome.reason.empty()) details["reason"] = outcome.reason;
  if (!outcome.remedy.empty()) details["remedy"] = outcome.remedy;
  switch (outcome.kind) {
    case Outcome::Kind::completed: return run.try_event("completed", details);
    case Outcome::Kind::failed: return run.try_event("failed", details);
    case Outcome::Kind::cancelled: return run.try_event("cancelled", details);
    case Outcome::Kind::paused: return run.try_event("paused", details);
    case Outcome::Kind::requeued: return run.try_event("requeued", details);
  }
}

std::vector<AttemptEnd> attempts_so_far(const RunDir& run) {
  std::vector<AttemptEnd> history;
  run.for_each_event([&](const nlohmann::ordered_json& event) {
    const std::string kind = json::text_of(event, "event");
    if (kind == "submitted" || kind == "resumed") history.clear();
    if (kind != "attempt-ended") return;
    history.push_back({.end = end_named(json::text_of(event, "end")),
                       .exit = static_cast<int>(whole(event, "exit")),
                       .step = whole(event, "step"),
                       .node_lost = json::is_true(event, "node_lost")});
  });
  return history;
}

std::vector<NodeRecord> node_records(const RunDir& run, const std::vector<std::string>& nodes) {
  std::vector<NodeRecord> records;
  for (const auto& node : nodes) records.push_back({.name = node});
  for (int attempt = 1, last = run.last_attempt(); attempt <= last; ++attempt) {
    try {
      for (const auto& blamed : rundir::read_attempt(run, attempt).blamed)
        for (auto& record : records)
          if (record.name == blamed) ++record.blamed;
    } catch (const Error&) {
      // Ended before its record was written: it blames nobody.
    }
  }
  return records;
}

}  // namespace pst::cluster
