// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "rundir/run_dir.hpp"

namespace pst::runs {

/// The folder with the checkpoints of a run.
std::filesystem::path checkpoints_of(const rundir::RunDir& run);
/// One of them: of `step`, or the newest when nothing is said. @throws Error(usage) naming those there are
std::filesystem::path checkpoint_of(const rundir::RunDir& run, std::optional<std::int64_t> step);

}  // namespace pst::runs
