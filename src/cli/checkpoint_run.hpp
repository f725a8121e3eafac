// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "cli/verb.hpp"

namespace pst::cli {

/// The folder with the checkpoints of a run. @throws Error(usage)
std::filesystem::path checkpoints_of(const RunArguments& arguments);
/// One of them: of `step`, or the newest when nothing is said. @throws Error(usage) naming those there are
std::filesystem::path checkpoint_of(const RunArguments& arguments, std::optional<std::int64_t> step);

}  // namespace pst::cli
