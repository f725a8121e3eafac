// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::checkpoint {

/// Mean time between failures of a node, hours, where nothing is known of it.
constexpr double kUsualNodeMtbfHours = 1000;

/// Seconds between checkpoints that lose the least time to saving and to repeating: sqrt(2 cost mtbf), never below the
/// cost itself. @param cost_s what a checkpoint costs the step loop. @param mtbf_s mean time between failures of the
/// job
/// @see Young 1974, "A first order approximation to the optimum checkpoint interval"; Daly 2006, section 2
double young_daly_interval(double cost_s, double mtbf_s);

}  // namespace pst::checkpoint
