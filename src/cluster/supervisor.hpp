#pragma once
#include <functional>
#include <optional>
#include <string>

#include "cluster/launch.hpp"
#include "cluster/slurm.hpp"
#include "rundir/run_dir.hpp"

namespace pst::cluster {

/// How the workers of an attempt ended: everything that the decision depends on.
struct Ending {
  int status = 0;                 ///< of srun, mpirun or the worker
  bool completed = false;         ///< completed.json is there, valid, and of this attempt
  std::string completed_damage;   ///< why one that is there is not valid
  std::optional<int> stopped_by;  ///< the signal that asked us to stop
  std::optional<JobState> job;    ///< what Slurm says of the job then; nothing when it was not asked or is silent
  bool cancel_requested = false;  ///< `peft-studio cancel` was called
  bool user_interrupt = false;    ///< a local run, where a signal to stop comes from the user
  std::string worker_error;       ///< report of a worker that failed
};

struct Outcome {
  enum class Kind { completed, failed, cancelled } kind = Kind::failed;
  int exit = 70;
  std::string reason;  ///< one line
  std::string remedy;  ///< a worker's advice; may be empty
  std::string report;  ///< what a worker said, in full, when one said something
};

/// The decision, by itself. completed.json alone makes a success: mpirun was seen to return 0 after losing a node.
Outcome judge(const Ending& ending);

struct SuperviseSettings {
  std::function<Launch(int attempt)> launch;
  std::optional<std::string> job_id;
  std::string hosts;
  std::function<void()> on_tick = [] {};  ///< about twice a second, while the workers run
  double grace_s = 25;  ///< from the signal to stop until SIGKILL; Slurm's own KillWait is 30 s by default
};

/// Begins an attempt, starts the workers, passes SIGTERM, SIGINT, SIGHUP (as SIGTERM) and SIGUSR2 on to them, waits,
/// judges, and writes the events. A run that is completed already starts nothing.
/// @throws Error when the attempt could not even be begun; the event `failed` is then written where possible
Outcome supervise(const rundir::RunDir& run, const SuperviseSettings& settings);

}  // namespace pst::cluster
