// SPDX-License-Identifier: Apache-2.0
#include "cluster/recovery.hpp"

namespace pst::cluster {
namespace {

/// Before the result is proved, while nobody has asked for an end.
Reaction while_at_work(Stage stage, Happening happening) {
  switch (happening) {
    case Happening::ranks_ready: return {Stage::running, Act::nothing};
    case Happening::rank_lost:
    case Happening::rank_silent:
    case Happening::no_progress:
    case Happening::impatience:
    case Happening::superseded: return {Stage::killing, Act::kill};
    case Happening::launcher_left: return {Stage::ended, Act::conclude};
    case Happening::asked_to_stop: return {Stage::stopping, Act::order_stop};
    case Happening::result_proved: return {Stage::lingering, Act::linger};
    case Happening::time_over: return {stage, Act::nothing};
  }
  return {stage, Act::nothing};
}

Reaction while_stopping(Happening happening) {
  switch (happening) {
    case Happening::rank_lost:  // the others wait for it in a collective, and would do so until the grace is over
    case Happening::rank_silent:
    case Happening::impatience:
    case Happening::time_over:
    case Happening::superseded: return {Stage::killing, Act::kill};
    case Happening::launcher_left: return {Stage::ended, Act::conclude};
    case Happening::asked_to_stop: return {Stage::stopping, Act::order_stop};  // SIGTERM after SIGUSR2: less time
    case Happening::result_proved: return {Stage::lingering, Act::linger};
    case Happening::ranks_ready:
    case Happening::no_progress: break;  // saving may be slow; the grace bounds it
  }
  return {Stage::stopping, Act::nothing};
}

Reaction while_killing(Happening happening) {
  if (happening == Happening::launcher_left) return {Stage::ended, Act::conclude};
  if (happening == Happening::time_over) return {Stage::killing, Act::kill};
  return {Stage::killing, Act::nothing};
}

Reaction while_lingering(Happening happening) {
  if (happening == Happening::launcher_left) return {Stage::ended, Act::conclude};
  // srun never leaves when the slurmstepd of a node was killed: the result counts, not the launcher.
  if (happening == Happening::time_over || happening == Happening::impatience) return {Stage::killing, Act::kill};
  return {Stage::lingering, Act::nothing};
}

}  // namespace

Reaction react(Stage stage, Happening happening) {
  switch (stage) {
    case Stage::starting:
    case Stage::running: return while_at_work(stage, happening);
    case Stage::stopping: return while_stopping(happening);
    case Stage::killing: return while_killing(happening);
    case Stage::lingering: return while_lingering(happening);
    case Stage::ended: break;
  }
  return {Stage::ended, Act::nothing};
}

const char* name_of(Stage stage) {
  switch (stage) {
    case Stage::starting: return "starting";
    case Stage::running: return "running";
    case Stage::stopping: return "stopping";
    case Stage::killing: return "killing";
    case Stage::lingering: return "lingering";
    case Stage::ended: return "ended";
  }
  return "ended";
}

const char* name_of(Happening happening) {
  switch (happening) {
    case Happening::ranks_ready: return "ranks-ready";
    case Happening::rank_lost: return "rank-lost";
    case Happening::rank_silent: return "rank-silent";
    case Happening::no_progress: return "no-progress";
    case Happening::launcher_left: return "launcher-left";
    case Happening::asked_to_stop: return "asked-to-stop";
    case Happening::impatience: return "impatience";
    case Happening::time_over: return "time-over";
    case Happening::result_proved: return "result-proved";
    case Happening::superseded: return "superseded";
  }
  return "unknown";
}

}  // namespace pst::cluster
