// SPDX-License-Identifier: Apache-2.0
#include "report/metrics.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "report/node_file.hpp"
#include "rundir/attempt.hpp"

namespace pst::report {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> node_files(const fs::path& attempt) {
  std::vector<fs::path> files;
  std::error_code status;
  for (fs::directory_iterator at(attempt / "nodes", status), end; !status && at != end; at.increment(status))
    if (at->path().extension() == ".jsonl") files.push_back(at->path());
  std::sort(files.begin(), files.end());
  return files;
}

/// Node files are independent of one another until they are added up.
Gathered read_all(const std::vector<fs::path>& files) {
  const unsigned cores = std::max(1u, std::min(8u, std::thread::hardware_concurrency()));
  std::vector<Gathered> parts(std::min<std::size_t>(cores, files.size()));
  std::atomic<std::size_t> next{0};
  const auto work = [&](Gathered& part) {
    for (std::size_t i; (i = next++) < files.size();) read_node_file(files[i], part);
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < parts.size(); ++i) threads.emplace_back([&, i] { work(parts[i]); });
    if (!parts.empty()) work(parts[0]);
  }
  Gathered all;
  for (auto& part : parts) {
    if (&part == &parts[0])
      all = std::move(part);
    else
      all.add(std::move(part));
  }
  return all;
}

/// Who was slowest how often, and what it cost: known when every node has been read.
void blame(Attempt& attempt) {
  std::vector<Rank*> by_rank;
  for (auto& member : attempt.members) {
    const auto index = static_cast<std::size_t>(member.rank);
    if (by_rank.size() <= index) by_rank.resize(index + 1, nullptr);
    by_rank[index] = &member;
  }
  std::int64_t most_rows = 0;
  for (const auto& step : attempt.steps) most_rows = std::max(most_rows, step.rows);
  for (const auto& step : attempt.steps) {
    if (step.rows < most_rows) continue;
    ++attempt.full_steps;
    if (step.ranks < 2 || step.slowest_rank < 0) continue;
    Rank& slowest = *by_rank[static_cast<std::size_t>(step.slowest_rank)];
    ++slowest.slowest;
    slowest.held_up_s += 1e-6 * static_cast<double>(step.slowest_us - step.second_us);
  }
}

Attempt read_attempt_metrics(const rundir::RunDir& run, int number) {
  Attempt attempt{.number = number};
  try {
    const auto record = rundir::read_attempt(run, number);
    attempt.expected = record.nodes;
    attempt.ranks = record.ranks;
  } catch (const Error&) {  // ended before it was written: then nobody knows what to expect
  }
  Gathered all = read_all(node_files(run.attempt(number)));
  attempt.nodes = std::move(all.nodes);
  for (const auto& host : attempt.expected)
    if (std::none_of(attempt.nodes.begin(), attempt.nodes.end(), [&](const Node& n) { return n.host == host; }))
      attempt.nodes.push_back({.host = host, .problem = "no metrics of this node"});
  std::sort(attempt.nodes.begin(), attempt.nodes.end(), [](const Node& a, const Node& b) { return a.host < b.host; });
  std::erase_if(all.steps, [](const Step& step) { return step.ranks == 0 && !step.has_values; });
  attempt.steps = std::move(all.steps);
  attempt.members = std::move(all.members);
  std::sort(attempt.members.begin(), attempt.members.end(),
            [](const Rank& a, const Rank& b) { return a.rank < b.rank; });
  attempt.evaluations = std::move(all.evaluations);
  attempt.work = all.work;
  attempt.total_steps = all.total_steps;
  attempt.resolved = std::move(all.resolved);
  if (attempt.ranks == 0) attempt.ranks = all.ranks;
  blame(attempt);
  return attempt;
}

}  // namespace

std::optional<double> unix_of(std::string_view iso) {
  if (iso.size() < 20 || iso[4] != '-' || iso[7] != '-' || iso[10] != 'T' || iso[13] != ':' || iso[16] != ':' ||
      iso.back() != 'Z')
    return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t length) { return to_int(iso.substr(at, length)).value_or(-1); };
  const auto seconds = to_double(iso.substr(17, iso.size() - 18));
  const auto year = part(0, 4), month = part(5, 2), day = part(8, 2), hour = part(11, 2), minute = part(14, 2);
  if (!seconds || year < 1970 || hour < 0 || minute < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return static_cast<double>(days) * 86400 + static_cast<double>(hour * 3600 + minute * 60) + *seconds;
}

std::vector<Attempt> read_metrics(const rundir::RunDir& run) {
  std::vector<Attempt> attempts;
  std::error_code ignored;
  for (int number = 1, last = run.last_attempt(); number <= last; ++number)
    if (fs::exists(run.attempt(number), ignored)) attempts.push_back(read_attempt_metrics(run, number));
  return attempts;
}

}  // namespace pst::report
