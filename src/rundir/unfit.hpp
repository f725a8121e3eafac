// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "rundir/run_dir.hpp"

namespace pst::rundir {

/// attempts/<n>/unfit.json: nodes on which the workers found before the start that they cannot do the work.
struct Unfit {
  std::vector<std::string> nodes;
  std::string reason;
};

void write_unfit(const RunDir& run, int attempt, const Unfit& unfit) noexcept;  ///< a disk that takes nothing loses it
std::optional<Unfit> read_unfit(const RunDir& run, int attempt);  ///< nothing when it is missing or damaged

}  // namespace pst::rundir
