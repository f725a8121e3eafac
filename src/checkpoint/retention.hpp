// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/disk.hpp"
#include "checkpoint/store.hpp"

namespace pst::checkpoint {

/// Which checkpoints stay. One may be kept for several reasons.
struct Keep {
  int newest = 2;    ///< at least 1
  bool best = true;  ///< the one with the lowest validation loss
  bool milestones = true;
};

struct Pruned {
  std::vector<fs::path> removed, kept;
  std::vector<Rejected> damaged;  ///< neither counted nor removed
};

/// Removes what `keep` does not ask for. A damaged checkpoint is never counted as one of those to keep, so nothing goes
/// before its successors were found whole, and never removed: a person may want to look at it.
/// @param check what "whole" means. @throws Error(io)
Pruned prune(const fs::path& checkpoints, const Keep& keep, Check check);

/// Makes commits of older attempts impossible: removes every `step-*.part-<g>` with g < `generation`, and leftover
/// trash.
///
/// A writer asks may_commit() and then renames; between the two it may be stopped for as long as the kernel likes,
/// while a newer attempt takes the lease. So the check alone would not do. But the part was made before the check, and
/// the check succeeded before the lease was taken, so a new attempt that takes the lease first, then fences, and only
/// then looks for the newest checkpoint, finds either the part, and removes it: the late rename fails with ENOENT; or
/// the part already renamed: then that checkpoint is whole and this attempt starts from it. A part that is made later
/// meets a check that fails. (On a network file system it takes that a rename is seen by the other host's next
/// look-up.)
/// @throws Error(io)
void fence(const fs::path& checkpoints, int generation);

}  // namespace pst::checkpoint
