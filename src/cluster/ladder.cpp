// SPDX-License-Identifier: Apache-2.0
#include "cluster/ladder.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

using Kind = Decision::Kind;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Decision give_up(int exit, std::string reason = {}, std::string remedy = {}) {
  Decision decision;
  decision.kind = Kind::give_up;
  decision.exit = exit;
  decision.reason = std::move(reason);
  decision.remedy = std::move(remedy);
  return decision;
}

Decision plain(Kind kind, int exit) {
  Decision decision;
  decision.kind = kind;
  decision.exit = exit;
  return decision;
}

Decision requeue(std::string reason) {
  Decision decision = plain(Kind::requeue, exit_status(Fault::stopped));
  decision.reason = std::move(reason);
  return decision;
}

/// A time limit that is too short for a single step more would requeue for ever.
bool stands_still(const std::vector<AttemptEnd>& history) {
  const AttemptEnd& last = history.back();
  return std::any_of(history.begin(), history.end() - 1, [&](const AttemptEnd& before) {
    return before.end == End::out_of_time && before.step >= last.step;
  });
}

Decision after_warning(const std::vector<AttemptEnd>& history, const Means& means, const char* reason) {
  const int stopped = exit_status(Fault::stopped);
  if (!means.slurm) return give_up(stopped, reason, "peft-studio resume RUN");
  if (history.back().end == End::out_of_time && stands_still(history))
    return give_up(stopped, cat("the job ran out of time twice without getting beyond step ", history.back().step),
                   "peft-studio resume RUN --set slurm.time=HH:MM:SS   with a longer time, or save more often: "
                   "checkpoint.every_steps");
  return requeue(reason);
}

Decision relaunch_or_requeue(const AttemptEnd& last, const Means& means, const std::vector<std::string>& last_nodes) {
  Decision next = plain(Kind::relaunch, 0);
  const bool unfit = !last.unfit.empty();
  if (!means.slurm) return unfit ? give_up(last.exit) : next;
  next.nodes = choose_nodes(means);
  const auto is_unfit = [&](const std::string& node) { return contains(last.unfit, node); };
  if (unfit && (next.nodes.empty() || std::any_of(next.nodes.begin(), next.nodes.end(), is_unfit)))
    return give_up(last.exit, {},
                   cat("peft-studio resume RUN --set slurm.exclude=", quoted(join(last.unfit, ",")),
                       "   (and nodes that were excluded before as well)"));
  if (next.nodes.empty())
    return requeue(cat("fewer than ", means.nodes_wanted, means.nodes_wanted == 1 ? " node is" : " nodes are",
                       " left of this job"));
  next.shrunk = static_cast<int>(next.nodes.size()) < means.nodes_used;
  next.spare_used = std::any_of(next.nodes.begin(), next.nodes.end(),
                                [&](const std::string& node) { return !contains(last_nodes, node); });
  return next;
}

}  // namespace

std::vector<std::string> choose_nodes(const Means& means) {
  std::vector<NodeRecord> usable;
  for (const auto& node : means.nodes)
    if (node.reachable) usable.push_back(node);
  std::stable_sort(usable.begin(), usable.end(), [](const auto& a, const auto& b) { return a.blamed < b.blamed; });
  const auto good = static_cast<int>(std::count_if(
      usable.begin(), usable.end(), [](const NodeRecord& node) { return node.blamed < kTooOftenBlamed; }));

  int count = means.nodes_wanted;
  const auto available = static_cast<int>(usable.size());
  while (count > 1 && count > good && count % 2 == 0 && means.may_shrink) count /= 2;
  if (count > available) return {};
  std::vector<std::string> chosen;
  for (int i = 0; i < count; ++i) chosen.push_back(usable[static_cast<std::size_t>(i)].name);
  // In the allocation's order, so that ranks stay where their neighbours are.
  const auto place = [&](const std::string& name) {
    return std::find_if(means.nodes.begin(), means.nodes.end(), [&](const auto& node) { return node.name == name; });
  };
  std::sort(chosen.begin(), chosen.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
  return chosen;
}

int failures_at_same_step(const std::vector<AttemptEnd>& history) {
  int count = 0;
  for (auto at = history.rbegin(); at != history.rend(); ++at) {
    if (at->end != End::failed || at->step != history.back().step) break;
    if (!at->node_lost) ++count;
  }
  return count;
}

Decision decide(const std::vector<AttemptEnd>& history, const Means& means,
                const std::vector<std::string>& last_nodes) {
  const AttemptEnd& last = history.back();
  switch (last.end) {
    case End::completed: return plain(Kind::done, 0);
    case End::superseded: return give_up(exit_status(Fault::transient), "a newer attempt of this run has taken over");
    case End::cancelled: return plain(Kind::cancelled, exit_status(Fault::stopped));
    case End::paused: return plain(Kind::paused, exit_status(Fault::stopped));
    case End::out_of_time: return after_warning(history, means, "the time limit of the job is near");
    case End::preempted: return after_warning(history, means, "the job was preempted");
    case End::requeued: return after_warning(history, means, "the job was put back into the queue");
    case End::failed: break;
  }
  if (last.exit == exit_status(Fault::usage) || last.exit == exit_status(Fault::data)) return give_up(last.exit);
  if (failures_at_same_step(history) >= kSameStepLimit)
    return give_up(last.exit, cat("step ", last.step, " failed ", kSameStepLimit, " times in a row"),
                   "peft-studio logs RUN   says why; the same would happen again until that is mended");
  if (static_cast<int>(history.size()) > means.max_restarts)
    return give_up(last.exit, cat("the workers were started ", history.size(), " times (slurm.max_restarts)"),
                   "peft-studio logs RUN   says why; then: peft-studio resume RUN");
  return relaunch_or_requeue(last, means, last_nodes);
}

}  // namespace pst::cluster
