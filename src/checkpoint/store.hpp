// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/manifest.hpp"
#include "checkpoint/tensors.hpp"

namespace pst::checkpoint {

/// A checkpoint whose every byte was compared with the digests.
struct Found {
  fs::path folder;
  Manifest manifest;
};
struct Rejected {
  fs::path folder;
  std::string why;  ///< names the file and what is wrong with it
};

enum class Check {
  sizes,    ///< the manifest, and that the files are there with their sizes
  digests,  ///< and every byte
};

/// "step-00000120", and back: nothing for any other name.
std::string folder_name(std::int64_t step);
std::optional<std::int64_t> step_of(const fs::path& folder);

/// The committed checkpoints' folders, oldest first, not looked into; none when the folder does not exist.
std::vector<fs::path> list_folders(const fs::path& checkpoints);

/// Everything that is wrong with a checkpoint, a line each; none when it can be relied upon.
/// @param manifest set when the manifest itself is good
std::vector<std::string> problems_of(const fs::path& folder, Check check, std::optional<Manifest>* manifest = nullptr);

/// The newest checkpoint of which every byte is right. Those that are not are reported, newest first, and left alone.
std::optional<Found> newest_valid(const fs::path& checkpoints, std::vector<Rejected>& rejected);
/// One particular checkpoint. @throws Error(data) with everything that is wrong with it
Found open_valid(const fs::path& folder);

enum class Asked {
  all,   ///< a tensor of the checkpoint that is not asked for is an error: a run must not go on with half of its state
  some,  ///< others are passed over
};

/// Reads the tensors of a checkpoint, of any number of writers, into `targets`. Trusts nothing: digests are compared
/// again before anything is taken from a file, and every chunk's checksum when it is.
/// @throws Error(data) naming the tensor when one is missing, left over or of another shape, or the file
void load(const Found& checkpoint, const std::vector<Target>& targets, Asked asked = Asked::all);

}  // namespace pst::checkpoint
