// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cluster/child.hpp"
#include "cluster/judge.hpp"
#include "cluster/ladder.hpp"
#include "cluster/launch.hpp"
#include "cluster/patience.hpp"
#include "heartbeat/listener.hpp"
#include "rundir/run_dir.hpp"

namespace pst::cluster {

/// What a supervisor can do to the Slurm job around it. Empty functions: it is not in one.
struct Hands {
  std::function<void(int attempt)> end_step;             ///< called from another thread
  std::function<bool(const std::string& node)> answers;  ///< called from several threads
  std::function<void()> requeue;                         ///< @throws Error when Slurm does not
  std::function<void(const heartbeat::Listener&, int attempt, const std::vector<NodeRecord>&)> keep_watcher;
};

struct SuperviseSettings {
  /// @param nodes  to use; empty without Slurm
  std::function<Launch(int attempt, const std::vector<std::string>& nodes)> launch;
  std::optional<std::string> job_id;
  std::vector<std::string> nodes;  ///< of the job, spare ones included; the first is this one
  std::string host;                ///< where a local run runs, for the records
  int nodes_wanted = 1;
  bool may_shrink = true;
  int max_restarts = 100;
  Hands hands;
  heartbeat::Reach reach = heartbeat::Reach::this_host;
  Patience patience;
  std::optional<ChildSettings>
      monitor;  ///< runs beside the supervisor, from before the first attempt to after the last
  std::function<void()> on_tick = [] {};  ///< about twice a second, while the workers run
};

/// Sees a run through: begins an attempt, watches it, judges its ending, and takes the next rung of the ladder until
/// the run is completed or nothing more can be done here. Every turn is an event in events.jsonl. SIGTERM, SIGINT,
/// SIGHUP (as SIGTERM) and SIGUSR2 ask for a checkpoint and an end. A run that is completed already starts nothing.
/// @throws Error when an attempt could not even be begun, or somebody else supervises the run; the event `failed` is
///         written in the former case, where possible
Outcome supervise(const rundir::RunDir& run, const SuperviseSettings& settings);

}  // namespace pst::cluster
