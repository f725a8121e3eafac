// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "rundir/attempt.hpp"

namespace pst::cluster {

/// @return nothing when there is no such process
std::optional<rundir::ProcessMark> mark_of(long pid);
rundir::ProcessMark own_mark();
std::string host_name();

enum class Life { alive, gone, unknown };  ///< unknown: it lives, or lived, on another host
Life life_of(const rundir::ProcessMark& mark);

/// Sends `signal` to exactly that process: never to another one that got its number in the meantime.
/// @return false when it is gone. @throws Error(usage) when it is on another host or belongs to somebody else
bool signal_process(const rundir::ProcessMark& mark, int signal);

}  // namespace pst::cluster
