// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <functional>
#include <optional>

#include "cluster/child.hpp"
#include "recipe/recipe.hpp"
#include "rundir/run_dir.hpp"

namespace pst::monitor {

/// How a supervisor starts the monitor; nothing when the recipe asks for nothing that it does.
/// @param program  peft-studio
/// @param output   what it says goes there; empty: to where the supervisor's goes
std::optional<cluster::ChildSettings> monitor_child(const rundir::RunDir& run, const recipe::Recipe& recipe,
                                                    const std::filesystem::path& program,
                                                    const std::filesystem::path& output);

/// Looks at the run every other second until `wait` says to end: publishes its metrics, judges its alerts, delivers
/// what they say. Nothing that fails here reaches the run: it becomes an event, and the rest goes on.
/// @param wait  waits for so many seconds; true: look once more, deliver what is left, and return
void watch_over(const rundir::RunDir& run, const recipe::Recipe& recipe, const std::function<bool(double)>& wait);

}  // namespace pst::monitor
