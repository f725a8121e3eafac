// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>

#include "comm/communicator.hpp"

namespace pst::comm {

/// How far rank 0's clock is ahead of this rank's.
struct ClockOffset {
  double offset_s = 0;
  double uncertainty_s = 0;  ///< half of the fastest round trip: the offset cannot be wrong by more
};

/// Asks rank 0 for its time, a few times, and takes the fastest answer, as NTP does (Mills 1991): a message that was
/// delayed is told by its round trip. Collective; one rank after the other, some tens of microseconds each.
/// @param asks   whether this rank wants to know; one per node is enough. Others get zeros
/// @param clock  Unix seconds
ClockOffset measure_clock(Communicator& group, bool asks, const std::function<double()>& clock);

}  // namespace pst::comm
