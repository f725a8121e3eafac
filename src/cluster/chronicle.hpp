// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "cluster/attempt_watch.hpp"
#include "cluster/judge.hpp"
#include "cluster/ladder.hpp"
#include "rundir/run_dir.hpp"

/// What the supervisor writes into events.jsonl, and reads back after a requeue.
namespace pst::cluster {

/// rank-lost, no-progress: what was noticed, how long after the last sign, and what a user can do.
void record_fault(const rundir::RunDir& run, int attempt, const Seen& seen);
/// node-lost
void record_dead_nodes(const rundir::RunDir& run, int attempt, const std::vector<std::string>& nodes);
/// attempt-ended
void record_attempt(const rundir::RunDir& run, int attempt, const AttemptEnd& end, const Outcome& outcome);
/// relaunched, shrunk, spare-used
void record_relaunch(const rundir::RunDir& run, int attempt, const Decision& decision,
                     const std::vector<std::string>& before);
/// completed, failed, cancelled, paused, requeued
void record_outcome(const rundir::RunDir& run, int attempt, const Ending& ending, const Outcome& outcome,
                    std::int64_t step);

/// The attempts since the run was last submitted or resumed, oldest first.
std::vector<AttemptEnd> attempts_so_far(const rundir::RunDir& run);
/// How often each of `nodes` was blamed by an attempt of this run.
std::vector<NodeRecord> node_records(const rundir::RunDir& run, const std::vector<std::string>& nodes);

}  // namespace pst::cluster
