// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "rundir/run_dir.hpp"

namespace pst::rundir {

enum class State { unknown, submitted, pending, running, paused, requeued, completed, failed, cancelled };
const char* name_of(State state);
/// completed, failed, cancelled or paused: nothing more will happen by itself.
bool is_final(State state);

/// What the run directory by itself says about a run. Whoever asks Slurm or the process table refines it (cli/status).
struct RunState {
  State state = State::unknown;
  std::string reason;                 ///< of failed, cancelled and unknown; may be empty
  std::optional<std::string> job_id;  ///< of the latest submission; of a chain the one that has its turn
  int attempt = 0;                    ///< the latest one; 0: none yet
  std::string remedy;                 ///< what a worker advised; may be empty
  int exit = 0;                       ///< of failed: the exit status that fits
  bool cancel_requested = false;
  bool pause_requested = false;
  bool pause_now = false;          ///< and within seconds, whatever is lost
  std::vector<std::string> chain;  ///< every job of the latest submission, in their order, when there are several
  std::string after;               ///< folder of the run that must be completed before this one starts; may be empty
  struct Alert {
    std::string name, severity, what;
  };
  std::vector<Alert> alerts;  ///< that are firing, oldest first; none once the run has ended
};

/// From events.jsonl and completed.json. Only a valid completed.json makes a run completed, whatever the events say.
RunState read_state(const RunDir& run);

/// The folder of the newest attempt's node logs, and so the place to look for progress. Nothing before the first
/// attempt.
std::optional<fs::path> newest_node_logs(const RunDir& run);

}  // namespace pst::rundir
