// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "rundir/run_dir.hpp"

namespace pst::cluster {

/// What the workers of an attempt said when they failed: the first report of an Error (`error[kind]: ...` with its
/// indented lines) in the ends of attempts/<n>/*.log. A `transient` or `stopped` one, which is most often about a peer,
/// only when there is no other. Empty when there is none.
std::string worker_error(const std::filesystem::path& attempt_dir);

/// What a worker wrote when it crashed (core/crash.hpp), with the log it stands in: "a rank crashed: SIGSEGV at address
/// 0x0, in the main thread (its stack is in rank-0001.log)". Empty when none did.
std::string worker_crash(const std::filesystem::path& attempt_dir);

/// The newest step in the attempt's node logs; 0 when there is none.
std::int64_t last_step(const std::filesystem::path& attempt_dir);

/// Where the run was when the attempt ended: its newest step or, where it came to none, that of the attempts before. So
/// failures before the first step are failures at one step only if nothing was reached between them.
std::int64_t step_at_end(const rundir::RunDir& run, int attempt);

/// The last `lines` lines of the attempt's launcher log, for failures that no worker explained.
std::string launcher_words(const std::filesystem::path& attempt_dir, int lines);

/// srun's complaint that a node did not start its workers ("task 0 launch failed: Unspecified error"), or nothing.
std::string launch_complaint(const std::filesystem::path& attempt_dir);

/// The nodes on which srun says that it could not start the workers (measured with 22.05: `Task launch for StepId=1.3
/// failed on node n3: Communication connection failure`). @throws nothing
std::vector<std::string> nodes_not_launched_on(const std::filesystem::path& attempt_dir);

}  // namespace pst::cluster
