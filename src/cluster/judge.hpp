// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cluster/ladder.hpp"
#include "cluster/slurm.hpp"

namespace pst::cluster {

/// How the workers of an attempt ended: everything that the judgement depends on.
struct Ending {
  int status = 0;                 ///< of srun, mpirun or the worker
  bool completed = false;         ///< completed.json is there, valid, and of this run
  std::string completed_damage;   ///< why one that is there is not valid
  std::optional<int> stopped_by;  ///< the signal that asked us to stop
  std::optional<JobState> job;    ///< what Slurm says of the job then; nothing when it was not asked or is silent
  bool cancel_requested = false;  ///< `peft-studio cancel` was called
  bool pause_requested = false;   ///< `peft-studio pause` was called
  bool superseded = false;        ///< a newer attempt holds the lease
  bool user_interrupt = false;    ///< a local run, where a signal to stop comes from the user
  std::string worker_error;       ///< report of a worker that failed
  std::string noticed;            ///< why we ended the workers, when it was us; "rank 3 on n2 has not been heard"
};

struct Outcome {
  enum class Kind { completed, failed, cancelled, paused, requeued } kind = Kind::failed;
  int exit = 70;
  std::string reason;  ///< one line
  std::string remedy;  ///< a worker's advice; may be empty
  std::string report;  ///< what a worker said, in full, when one said something
};

/// The judgement of one attempt, by itself. completed.json alone makes a success: mpirun was seen to return 0 after
/// losing a node.
Outcome judge(const Ending& ending);

/// The same as a rung of the ladder.
End end_of(const Ending& ending, const Outcome& outcome);

/// Why Slurm ended the job, if it did.
enum class JobEnd { none, time_limit, node_lost, preempted, requeued, cancelled };
JobEnd job_end(const Ending& ending);

/// A worker said what is wrong, and it is not about a peer or about being stopped.
bool is_explained(const Ending& ending);

/// Somebody ended the workers, and it was neither we, nor our user, nor a warning that we know of.
bool is_stop_of_unknown_cause(const Ending& ending);

}  // namespace pst::cluster
