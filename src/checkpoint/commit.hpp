// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <functional>
#include <span>

#include "checkpoint/disk.hpp"
#include "checkpoint/manifest.hpp"

namespace pst::checkpoint {

/// What rank 0 does when every rank has written its file: `part` becomes `whole`, or nothing happened.
/// @param state_image the bytes of state.h5
/// @throws Error; `part` is then still there, unless the rename was done and only its fsync failed
void commit_part(const Disk& disk, const fs::path& part, const fs::path& whole, Manifest manifest,
                 std::span<const std::byte> state_image, const std::function<void()>& may_commit);

}  // namespace pst::checkpoint
