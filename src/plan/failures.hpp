// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::plan {

/// From a failure until its attempt is cleared away and the next one is started, seconds: the mean over a process that
/// dies (4), a process or link that falls silent (7) and a node that is gone (8), as measured (docs/reliability.md). A
/// queue's wait, which is the price of losing a job's first node, is not known to a plan.
constexpr double kNoticed_s = 5;

/// What one failure costs training, seconds: it is noticed, the workers start again, and what was not yet saved is
/// repeated, on average half an interval and what takes a checkpoint from the snapshot to its being whole.
/// @see Daly 2006, doi:10.1016/j.future.2004.11.016: the first-order model, with a restart time
constexpr double lost_to_failure_s(double interval_s, double write_s, double start_s) {
  return kNoticed_s + start_s + interval_s / 2 + write_s;
}

}  // namespace pst::plan
