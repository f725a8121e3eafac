// SPDX-License-Identifier: Apache-2.0
#include "monitor/run_reader.hpp"

#include <sys/statvfs.h>

#include <algorithm>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "report/metrics.hpp"
#include "rundir/attempt.hpp"

namespace pst::monitor {
namespace {

namespace fs = std::filesystem;

/// All that is new in a file; nothing when it cannot be read just now.
template <class Take>
void read_all(telemetry::LineTail& tail, const Take& take) {
  try {
    for (auto some = tail.read(); !some.empty(); some = tail.read())
      for (const auto& record : some) take(record);
  } catch (const Error&) {
    // A network file system may refuse for a moment.
  }
}

double began(const rundir::RunDir& run, int attempt) {
  try {
    return report::unix_of(rundir::read_attempt(run, attempt).started).value_or(unix_seconds());
  } catch (const Error&) {
    return unix_seconds();  // its record is written a moment after its folder is made
  }
}

}  // namespace

RunReader::RunReader(rundir::RunDir run) : run_(std::move(run)), events_(run_.events_file()) {
  try {
    const auto record = run_.read_record();
    view_.name = record.name;
    view_.version = record.version;
  } catch (const Error&) {
    view_.name = run_.root().filename().string();
  }
}

const RunView& RunReader::look() {
  read_events();
  read_attempts();
  struct statvfs disk {};
  if (::statvfs(run_.root().c_str(), &disk) == 0) {
    view_.disk_available_bytes = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
    view_.disk_size_bytes = static_cast<double>(disk.f_blocks) * static_cast<double>(disk.f_frsize);
  }
  return view_;
}

void RunReader::read_events() {
  bool news = false;
  read_all(events_, [&](const nlohmann::ordered_json& event) {
    news = true;
    view_.event(event);
  });
  // The state is what all events together say, and reading it may mean to check the adapter: only when there is news.
  if (news) view_.state = rundir::read_state(run_);
}

void RunReader::read_attempts() {
  const int newest = run_.last_attempt();
  while (attempt_ < newest) {
    if (attempt_ > 0) read_current();  // its last words
    ++attempt_;
    nodes_.clear();
    samples_.clear();
    view_.begin_attempt(attempt_, began(run_, attempt_));
    if (attempt_ < newest) read_older(attempt_);
  }
  if (attempt_ > 0) read_current();
}

/// Every node tells of every step: one file is enough for what the run adds up to.
void RunReader::read_older(int attempt) {
  Tails files;
  add_new(run_.attempt(attempt) / "nodes", files);
  if (files.empty()) return;
  auto& [node, tail] = *files.begin();
  read_all(tail, [&, name = node](const nlohmann::ordered_json& record) {
    view_.node_record(name, record, RunView::Depth::training);
  });
}

void RunReader::read_current() {
  add_new(run_.attempt(attempt_) / "nodes", nodes_);
  add_new(run_.attempt(attempt_) / "samples", samples_);
  for (auto& [node, tail] : nodes_)
    read_all(tail, [&, name = node](const nlohmann::ordered_json& record) {
      view_.node_record(name, record, RunView::Depth::everything);
    });
  for (auto& [node, tail] : samples_)
    read_all(tail, [&, name = node](const nlohmann::ordered_json& record) { view_.sample(name, record); });
}

/// `<host>.jsonl`; the samples' `<host>.recent.jsonl` say the same once more.
void RunReader::add_new(const fs::path& folder, Tails& tails) {
  std::error_code status;
  for (fs::directory_iterator at(folder, status), end; !status && at != end; at.increment(status)) {
    const std::string name = at->path().filename().string();
    if (!name.ends_with(".jsonl") || name.ends_with(".recent.jsonl") || name.ends_with(".recent.1.jsonl")) continue;
    tails.try_emplace(name.substr(0, name.size() - 6), at->path());
  }
}

}  // namespace pst::monitor
