// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace pst::checkpoint {

/// Mean time between failures of a node, hours, where nothing is known of it.
constexpr double kUsualNodeMtbfHours = 1000;

/// Seconds between checkpoints that lose the least time to saving and to repeating: sqrt(2 cost mtbf), never below the
/// cost itself. @param cost_s what a checkpoint costs the step loop. @param mtbf_s mean time between failures of the
/// job
/// @see Young 1974, "A first order approximation to the optimum checkpoint interval"; Daly 2006, section 2
double young_daly_interval(double cost_s, double mtbf_s);

/// What a checkpoint costs.
struct Cost {
  double stall_s = 0;   ///< what the step loop pays
  double behind_s = 0;  ///< writing, behind the loop's back
};

/// Saving behind training may take this part of the time before it is worth asking how often.
constexpr double kCheapShare = 0.005;

/// Seconds between checkpoints where nobody says: after Young and Daly by what training pays, the stall; never more
/// than a minute where writing takes under 0.5 % of that minute, else never longer than until it does; and never less
/// than a checkpoint takes to be whole.
double save_interval(const Cost& cost, double mtbf_s);
/// In words, for people.
std::string interval_reason(const Cost& cost, double mtbf_s);

/// Mean time between failures of a job, seconds, where `failures` were seen in the `lived_s` that it was at work: as if
/// one failure in an hour more had been seen, so that one early failure does not count as one in every second. Never
/// more than `usual_s`.
double seen_mtbf(double lived_s, int failures, double usual_s);

}  // namespace pst::checkpoint
