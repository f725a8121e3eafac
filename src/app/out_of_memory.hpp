// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>

#include "app/resolve_auto.hpp"
#include "app/run.hpp"
#include "core/error.hpp"

namespace pst::app {

/// What a rank ends with that got no memory. Where the recipe leaves gradient checkpointing to us and it was off, the
/// next attempt has it on, which gives the same bits: an event of the run says so, and Error(transient) asks for that
/// attempt. Else Error(usage), which nobody repeats, with the keys that make the need smaller.
Error after_running_out(const OutOfMemory& error, const Run& run, const Resolved& resolved, int ranks);

/// The attempt of this run that ran out of memory for want of gradient checkpointing; nothing: none has.
std::optional<int> attempt_that_ran_out(const rundir::RunDir& run);

}  // namespace pst::app
