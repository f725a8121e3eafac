// SPDX-License-Identifier: Apache-2.0
// Where the wall time of a run went, and what was lost to which fault.
#include <algorithm>
#include <map>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"
#include "report/summary.hpp"
#include "rundir/attempt.hpp"

namespace pst::report {
namespace {

using json::integer;
using json::text_of;
using nlohmann::ordered_json;

/// One attempt on the clock; absent where nothing says when.
struct Span {
  const Attempt* attempt;
  std::optional<double> started, ended;
  double first_step_began = 0, last_step_ended = 0;
  std::string end, reason, remedy;
  std::int64_t exit = 0;
  bool node_lost = false;
};

std::optional<double> time_of(const ordered_json& event) { return unix_of(text_of(event, "t")); }

/// What did not end an attempt but is worth a look.
bool is_warning(const ordered_json& event) {
  const std::string kind = text_of(event, "event");
  return kind == "guard" || kind == "checkpoint-failed" || kind == "checkpoint-warning" ||
         kind == "checkpoint-rejected" || kind == "waiting-for-disk" || kind == "shrunk" || kind == "spare-used" ||
         kind == "recipe-changed" || kind == "change-allowed" ||
         (kind == "alert" && text_of(event, "state") == "firing");
}

/// Of the events what an account is made of. A guard that skips every step writes a line for each: of a kind the first
/// ones are kept, and the last with the number of those between.
struct Events {
  struct More {
    std::int64_t count = 0;
    ordered_json last;
  };
  std::vector<ordered_json> kept;
  std::map<std::string, More> more;  ///< by kind

  void add(const ordered_json& event) {
    constexpr std::int64_t kMostWarnings = 200, kMostOthers = 10'000;
    constexpr std::size_t kMostKinds = 100;
    const std::string kind = text_of(event, "event");
    if (!seen_.contains(kind) && seen_.size() >= kMostKinds) return;
    if (++seen_[kind] <= (is_warning(event) ? kMostWarnings : kMostOthers)) return kept.push_back(shortened(event));
    ++more[kind].count;
    more[kind].last = shortened(event);
  }

 private:
  /// What is read of an event.
  static ordered_json shortened(const ordered_json& event) {
    constexpr std::size_t kLongest = 2000;
    ordered_json kept;
    for (const char* key : {"t", "event", "attempt", "end", "reason", "exit", "node_lost", "remedy", "step", "state",
                            "what", "hosts", "ranks", "nodes", "noticed_after_s"}) {
      const auto found = event.find(key);
      if (found == event.end() || (found->is_structured() && found->size() > kLongest)) continue;
      kept[key] = *found;
      if (found->is_string() && found->get_ref<const std::string&>().size() > kLongest)
        kept[key] = quoted(found->get_ref<const std::string&>(), kLongest);
    }
    return kept;
  }
  std::map<std::string, std::int64_t> seen_;
};

std::optional<double> started_by_record(const rundir::RunDir& run, int number) {
  try {
    return unix_of(rundir::read_attempt(run, number).started);
  } catch (const Error&) {
    return std::nullopt;
  }
}

void apply(const ordered_json& event, std::map<int, Span>& spans) {
  const auto number = integer(event, "attempt");
  const auto span = number ? spans.find(static_cast<int>(*number)) : spans.end();
  if (span == spans.end()) return;
  const std::string kind = text_of(event, "event");
  if (kind == "started") {
    span->second.started = time_of(event);
  } else if (kind == "attempt-ended") {
    span->second.ended = time_of(event);
    span->second.end = text_of(event, "end");
    span->second.reason = text_of(event, "reason");
    span->second.exit = integer(event, "exit").value_or(0);
    span->second.node_lost = event.value("node_lost", ordered_json(false)) == true;
  } else if (kind == "completed" || kind == "failed" || kind == "cancelled" || kind == "paused") {
    if (!span->second.ended) span->second.ended = time_of(event);
    if (span->second.end.empty()) span->second.end = kind;
  }
  // A lost node says more than the ranks that went with it.
  const std::string remedy = text_of(event, "remedy");
  if (!remedy.empty() && (span->second.remedy.empty() || kind == "node-lost")) span->second.remedy = remedy;
}

/// Steps are known only by their ends; the first began its own length before.
std::vector<Span> spans_of(const rundir::RunDir& run, const std::vector<Attempt>& attempts, const Events& events) {
  std::map<int, Span> spans;
  for (const auto& attempt : attempts) {
    Span span{.attempt = &attempt, .started = started_by_record(run, attempt.number)};
    if (!attempt.steps.empty()) {
      const Step& first = attempt.steps.front();
      span.first_step_began = first.ended - 1e-6 * static_cast<double>(first.step_us);
      span.last_step_ended = attempt.steps.back().ended;
    }
    spans.emplace(attempt.number, span);
  }
  for (const auto& event : events.kept) apply(event, spans);
  std::vector<Span> all;
  for (auto& [number, span] : spans) {
    if (!span.attempt->steps.empty()) {
      if (!span.started) span.started = span.first_step_began;
      if (!span.ended) span.ended = span.last_step_ended;
    }
    all.push_back(span);
  }
  return all;
}

double stepping(const std::vector<CountedSteps::At>& some, const Attempt& attempt) {
  double seconds = 0;
  for (const auto& at : some)
    if (at.attempt == &attempt) seconds += 1e-6 * static_cast<double>(at.step->step_us);
  return seconds;
}

std::size_t nodes_of(const Attempt& attempt) {
  return std::max<std::size_t>(1, attempt.expected.empty() ? attempt.nodes.size() : attempt.expected.size());
}

/// Seconds of each kind; together they are the wall time from the first sign of the run to its last.
struct Account {
  double queued = 0, starting = 0, stepping = 0, redone = 0, evaluating = 0, between_steps = 0, ending = 0,
         between_attempts = 0;
  double node_s = 0;
};

Account account_of(const std::vector<Span>& spans, const CountedSteps& steps, std::optional<double> submitted) {
  Account sum;
  std::optional<double> before = submitted;
  bool first = true;
  for (const auto& span : spans) {
    if (!span.started || !span.ended) continue;
    if (before) (first ? sum.queued : sum.between_attempts) += std::max(0.0, *span.started - *before);
    first = false;
    before = span.ended;
    sum.node_s += static_cast<double>(nodes_of(*span.attempt)) * std::max(0.0, *span.ended - *span.started);
    if (span.attempt->steps.empty()) {
      sum.starting += std::max(0.0, *span.ended - *span.started);
      continue;
    }
    const double counted = stepping(steps.counted, *span.attempt), again = stepping(steps.redone, *span.attempt);
    double evaluating = 0;
    for (const auto& evaluation : span.attempt->evaluations) evaluating += evaluation.seconds;
    sum.starting += std::max(0.0, span.first_step_began - *span.started);
    sum.stepping += counted;
    sum.redone += again;
    // An evaluation before the first step belongs to the start, by the clock; it is counted here, and taken off there.
    double at_start = 0;
    for (const auto& evaluation : span.attempt->evaluations)
      if (evaluation.ended <= span.first_step_began) at_start += evaluation.seconds;
    double at_end = 0;
    for (const auto& evaluation : span.attempt->evaluations)
      if (evaluation.ended > span.last_step_ended) at_end += evaluation.seconds;
    sum.starting -= at_start;
    sum.evaluating += evaluating;
    const double inside = evaluating - at_start - at_end;
    sum.between_steps += std::max(0.0, span.last_step_ended - span.first_step_began - counted - again - inside);
    sum.ending += std::max(0.0, *span.ended - span.last_step_ended - at_end);
  }
  return sum;
}

ordered_json attempts_of(const std::vector<Span>& spans, const CountedSteps& steps) {
  ordered_json all = ordered_json::array();
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const Span& span = spans[i];
    const auto& metrics = *span.attempt;
    std::int64_t redone = 0;
    for (const auto& at : steps.redone) redone += at.attempt == &metrics;
    ordered_json one = {{"attempt", metrics.number},
                        {"nodes", nodes_of(metrics)},
                        {"ranks", metrics.ranks > 0 ? ordered_json(metrics.ranks) : ordered_json()},
                        {"started", or_null(span.started)},
                        {"ended", or_null(span.ended)},
                        {"end", span.end},
                        {"reason", span.reason},
                        {"first_step", ordered_json()},
                        {"last_step", ordered_json()},
                        {"steps_redone_later", redone}};
    if (!metrics.steps.empty()) {
      one["first_step"] = metrics.steps.front().step;
      one["last_step"] = metrics.steps.back().step;
      one["first_step_began"] = span.first_step_began;
    }
    all.push_back(one);
  }
  return all;
}

/// What each attempt that did not complete has cost: steps done again, and the time until a step was done again.
ordered_json faults_of(const std::vector<Span>& spans, const CountedSteps& steps, const Events& events) {
  ordered_json all = ordered_json::array();
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const Span& span = spans[i];
    if (span.end == "completed" || span.end.empty()) continue;
    ordered_json fault = {
        {"t", or_null(span.ended)},
        {"attempt", span.attempt->number},
        {"kind", span.node_lost ? "node lost" : span.end},
        {"cause", span.reason},
        {"what_to_do", span.remedy},
        {"step", span.attempt->steps.empty() ? ordered_json() : ordered_json(span.attempt->steps.back().step)}};
    std::int64_t redone = 0;
    for (const auto& at : steps.redone) redone += at.attempt == span.attempt;
    fault["steps_redone"] = redone;
    fault["redone_s"] = stepping(steps.redone, *span.attempt);
    fault["standstill_s"] = nullptr;
    if (i + 1 < spans.size() && span.ended && !spans[i + 1].attempt->steps.empty())
      fault["standstill_s"] = std::max(0.0, spans[i + 1].first_step_began - *span.ended);
    ordered_json notes = ordered_json::array();
    for (const auto& event : events.kept) {
      const std::string kind = text_of(event, "event");
      if (integer(event, "attempt") != span.attempt->number) continue;
      if (kind == "rank-lost" || kind == "node-lost" || kind == "no-progress") {
        ordered_json note = {{"event", kind}};
        for (const char* key : {"what", "hosts", "ranks", "nodes", "noticed_after_s"})
          if (event.contains(key)) note[key] = event[key];
        notes.push_back(note);
      }
    }
    fault["noticed"] = notes;
    all.push_back(fault);
  }
  return all;
}

/// What did not end an attempt but is worth a look.
ordered_json warnings_of(const Events& events) {
  ordered_json all = ordered_json::array();
  const auto add = [&](const ordered_json& event, const std::string& reason) {
    all.push_back({{"t", or_null(time_of(event))},
                   {"kind", text_of(event, "event")},
                   {"step", or_null(integer(event, "step"))},
                   {"reason", reason},
                   {"what_to_do", text_of(event, "remedy")}});
  };
  for (const auto& event : events.kept)
    if (is_warning(event)) add(event, text_of(event, text_of(event, "event") == "alert" ? "what" : "reason"));
  for (const auto& [kind, more] : events.more)
    if (is_warning(more.last)) add(more.last, cat("and ", grouped(more.count), " more, up to here"));
  return all;
}

ordered_json cost_of(double node_hours, const std::vector<Attempt>& attempts, const Figures& figures) {
  ordered_json cost = {{"node_hours", node_hours}};
  ordered_json unknown = ordered_json::array();
  double gpu_j = 0;
  bool measured = false;
  for (const auto& attempt : attempts)
    for (const auto& node : attempt.nodes)
      if (node.gpu_energy_j) {
        gpu_j += *node.gpu_energy_j;
        measured = true;
      }
  if (measured) cost["gpu_kwh_measured"] = gpu_j / 3.6e6;
  if (figures.watts_per_node) {
    cost["kwh_by_site"] = node_hours * *figures.watts_per_node / 1000;
    cost["watts_per_node"] = *figures.watts_per_node;
  } else {
    unknown.push_back("energy: no figure for the power of a node");
  }
  if (figures.price_per_node_hour) {
    cost["money"] = node_hours * *figures.price_per_node_hour;
    cost["currency"] = figures.currency;
    cost["price_per_node_hour"] = *figures.price_per_node_hour;
  } else {
    unknown.push_back("money: no price of a node hour");
  }
  if (figures.carbon_g_per_kwh && figures.watts_per_node) {
    cost["carbon_g"] = node_hours * *figures.watts_per_node / 1000 * *figures.carbon_g_per_kwh;
    cost["carbon_g_per_kwh"] = *figures.carbon_g_per_kwh;
  } else {
    unknown.push_back("carbon: no figure for the power of a node, or for the grams of a kilowatt hour");
  }
  cost["source"] = figures.source;
  cost["left_out"] = unknown;
  return cost;
}

}  // namespace

void add_account(ordered_json& report, const rundir::RunDir& run, const std::vector<Attempt>& attempts,
                 const CountedSteps& steps, const Figures& figures) {
  Events events;
  try {
    run.for_each_event([&](const ordered_json& event) { events.add(event); });
  } catch (const Error& error) {
    report["coverage"]["gaps"].push_back(error.message());
  }
  std::optional<double> submitted;
  for (const auto& event : events.kept)
    if (!submitted && text_of(event, "event") == "submitted") submitted = time_of(event);
  const auto spans = spans_of(run, attempts, events);
  const Account a = account_of(spans, steps, submitted);
  const double wall =
      a.queued + a.starting + a.stepping + a.redone + a.evaluating + a.between_steps + a.ending + a.between_attempts;
  report["time"] = {{"wall_s", wall},
                    {"queued_s", submitted ? ordered_json(a.queued) : ordered_json()},
                    {"starting_s", a.starting},
                    {"stepping_s", a.stepping},
                    {"redone_s", a.redone},
                    {"evaluating_s", a.evaluating},
                    {"between_steps_s", a.between_steps},
                    {"ending_s", a.ending},
                    {"between_attempts_s", a.between_attempts}};
  // Share of the time on nodes that went into steps which counted: what the reliability literature calls ETTR.
  const double running = wall - a.queued;
  report["time"]["useful_share"] = running > 0 ? ordered_json(a.stepping / running) : ordered_json();
  report["attempts"] = attempts_of(spans, steps);
  report["faults"] = faults_of(spans, steps, events);
  report["warnings"] = warnings_of(events);
  report["cost"] = cost_of(a.node_s / 3600, attempts, figures);
}

}  // namespace pst::report
