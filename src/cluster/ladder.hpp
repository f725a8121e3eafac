// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <vector>

/// What comes after an attempt that has ended: the cheapest thing that can help. Plain code without I/O.
namespace pst::cluster {

/// Why an attempt ended.
enum class End {
  completed,
  superseded,  ///< another supervisor has begun a newer attempt
  cancelled,   ///< by the user
  paused,
  out_of_time,  ///< the time limit came near, or was reached
  preempted,
  requeued,  ///< by somebody outside; Slurm starts the job again by itself
  failed     ///< anything else; `exit` says of which kind
};

struct NodeRecord {
  std::string name;
  bool reachable = true;
  int blamed = 0;  ///< how often an attempt was lost through it
};

struct AttemptEnd {
  End end = End::failed;
  int exit = 75;                   ///< of sysexits' kind: 64 usage, 65 data, 69 unfit, 70 bug, 75 transient, 76 stopped
  std::int64_t step = 0;           ///< the newest that was recorded
  bool node_lost = false;          ///< the machine's fault, and no sign of a crash loop
  std::vector<std::string> unfit;  ///< nodes that the workers themselves found unable, before they began
};

struct Means {
  bool slurm = false;
  std::vector<NodeRecord> nodes;  ///< of the allocation; empty without Slurm
  int nodes_wanted = 1;           ///< of the recipe
  int nodes_used = 1;             ///< by the last attempt
  bool may_shrink = true;
  int max_restarts = 100;
};

struct Decision {
  enum class Kind { done, give_up, cancelled, paused, relaunch, requeue } kind = Kind::give_up;
  std::vector<std::string> nodes;  ///< of relaunch, under Slurm
  bool shrunk = false;             ///< fewer than the last attempt had
  bool spare_used = false;         ///< a node that was idle until now joins
  int exit = 75;                   ///< of give_up
  std::string reason, remedy;      ///< of give_up and requeue; the reason may be empty: the attempt's own then counts
};

constexpr int kSameStepLimit = 3;
/// From here on a node is used only when no other way is left: it was lost, hung or unfit more than once.
constexpr int kTooOftenBlamed = 2;

/// @param history  of this run since it was last submitted or resumed, oldest first; the last one has just ended
Decision decide(const std::vector<AttemptEnd>& history, const Means& means, const std::vector<std::string>& last_nodes);

/// The nodes of the next attempt: reachable ones, the least blamed first, as many as wanted; else a half, a quarter ...
/// of that number, which keeps the result's bits. Empty when there are not enough.
std::vector<std::string> choose_nodes(const Means& means);

/// How many of the last attempts failed at the same step through no machine's fault.
int failures_at_same_step(const std::vector<AttemptEnd>& history);

}  // namespace pst::cluster
