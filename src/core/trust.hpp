// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>

/// Who beside us can change a file. What decides which programs are run, where secrets go or what is trained on is not
/// believed where strangers can: on a cluster, folders are shared and many work with umask 002. SECURITY.md lists the
/// folders.
namespace pst {

/// "its group 'proj' may write it", "everybody may write it"; nothing when only its owner may, and root. A group of
/// the owner's own name without other members, as most distributions make one for every user, is the owner.
std::optional<std::string> others_may_write(const struct stat& info);
/// The same, or "it belongs to 'somebody'" where its owner is neither us nor root.
std::optional<std::string> not_ours(const struct stat& info);

// Of what a path leads to; nothing where it leads nowhere, nor on a file system that shows a new file of ours as
// somebody else's or as everybody's (some network and guest file systems do): what it says tells nothing.
std::optional<std::string> others_may_write(const std::filesystem::path& path);
std::optional<std::string> not_ours(const std::filesystem::path& path);
/// @param info  of the open file that `path` led to
std::optional<std::string> not_ours(const std::filesystem::path& path, const struct stat& info);

/// Called once, first of all, by both programs: whatever they make from here on only its owner can write, whatever the
/// user's umask allows.
void keep_from_others();

/// Creates `path` and its parents with what the user's own umask leaves to others: folders in which several people
/// work, each on things of their own. @throws Error(io)
void make_shared_directories(const std::filesystem::path& path);

}  // namespace pst
