// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "rundir/run_dir.hpp"

namespace pst::rundir {

/// Writes into events.jsonl that a person accepted this recipe for a run that was begun with another one.
/// @param changes "adapter.r was 16 and is 8; ...", for people
void allow_change(const RunDir& run, const std::string& recipe_digest, const std::string& changes);
/// Whether the recipe of this digest may go on from another one's checkpoint.
bool change_is_allowed(const RunDir& run, const std::string& recipe_digest);

}  // namespace pst::rundir
