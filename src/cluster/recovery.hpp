// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a supervisor does while the workers of one attempt run: a table, without I/O. What comes after the attempt is
/// the ladder's decision (cluster/ladder.hpp).
namespace pst::cluster {

enum class Stage {
  starting,   ///< launched; not every rank trains yet
  running,    ///< all ranks train
  stopping,   ///< they were asked to save and end; the grace runs
  killing,    ///< they are being ended; the launcher has not left yet
  lingering,  ///< the result is proved; the launcher has not left yet
  ended
};

enum class Happening {
  ranks_ready,    ///< the last rank began to train
  rank_lost,      ///< a rank's connection ended in the middle of its work
  rank_silent,    ///< a rank, or all of a node, has not been heard for some seconds
  no_progress,    ///< nobody has moved within the deadline
  launcher_left,  ///< srun, mpirun or the only worker ended
  asked_to_stop,  ///< time limit ahead, preemption, pause, cancellation
  impatience,     ///< asked a second time by a person at a terminal
  time_over,      ///< the grace, or what a kill may take, is over
  result_proved,  ///< completed.json is there and valid
  superseded      ///< a newer attempt holds the lease
};

enum class Act {
  nothing,
  order_stop,  ///< to all ranks, by heartbeat and by signal through the launcher; the grace begins
  kill,        ///< order `die`, end the step, end the launcher
  linger,      ///< give the launcher a few seconds to leave by itself
  conclude     ///< judge the ending
};

struct Reaction {
  Stage stage;
  Act act;
};

Reaction react(Stage stage, Happening happening);

const char* name_of(Stage stage);
const char* name_of(Happening happening);

}  // namespace pst::cluster
