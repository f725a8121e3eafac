// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace pst::doctor {

/// A clock further off than this breaks leases and the reading of time lines.
inline constexpr double kClockFail_s = 60;
inline constexpr double kClockWarn_s = 2;
/// Less than this on a disk is worth a word.
inline constexpr std::uint64_t kLittleSpace = std::uint64_t{1} << 30;
/// Open MPI's session folder and shared-memory segments need about this much of a node's own disk.
inline constexpr std::uint64_t kScratchNeeded = 16u << 20;

}  // namespace pst::doctor
