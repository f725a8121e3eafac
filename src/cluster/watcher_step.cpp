// SPDX-License-Identifier: Apache-2.0
#include "cluster/watcher_step.hpp"

#include "cluster/process_mark.hpp"
#include "cluster/slurm_job.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

constexpr double kStartWithin_s = 20;  ///< srun on a busy cluster
constexpr double kNotBefore_s = 5;     ///< after the last start

bool same_host(const std::string& a, const std::string& b) {
  return a.substr(0, a.find('.')) == b.substr(0, b.find('.'));
}

}  // namespace

WatcherStep::WatcherStep(rundir::RunDir run, std::filesystem::path program)
    : run_(std::move(run)), program_(std::move(program)) {}

/// Another one than last time, where there is a choice.
std::string WatcherStep::choose(const std::vector<NodeRecord>& nodes) const {
  std::string chosen;
  for (const auto& node : nodes)
    if (node.reachable && !same_host(node.name, host_name()) && (chosen.empty() || chosen == node_)) chosen = node.name;
  return chosen;
}

void WatcherStep::tick(const heartbeat::Listener& listener, int attempt, const std::vector<NodeRecord>& nodes) {
  const double now = monotonic_seconds();
  if (now - started_at_ < kNotBefore_s) return;
  if (child_) {
    const auto signs = listener.watcher();
    const bool heard = signs.connected && now - signs.heard_at < kNotBefore_s;
    const bool may_still_come = signs.heard_at < started_at_ && now - started_at_ < kStartWithin_s;
    if (!child_->poll() && (heard || may_still_come)) return;
    child_.reset();
  }
  const std::string node = choose(nodes);
  started_at_ = now;
  if (node.empty()) return;
  node_ = node;
  try {
    child_ = std::make_unique<Child>(
        on_node(node, "pst-watch",
                {program_.string(), "watch-host", run_.root().string(), "--attempt", std::to_string(attempt)},
                run_.root() / "watch-host.log"));
  } catch (const Error&) {
    child_.reset();  // tried again at a later tick; training does not depend on it
  }
}

}  // namespace pst::cluster
