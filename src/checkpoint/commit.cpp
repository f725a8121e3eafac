// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/commit.hpp"

#include "checkpoint/rank_reader.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::checkpoint {
namespace {

/// Every rank compared its own file with its memory; here they only have to be where this host sees them.
void check_ranks(const Disk& disk, const fs::path& part, const Manifest& manifest) {
  disk.enter(Step::check_ranks, part);
  PST_ASSERT(manifest.files.size() == static_cast<std::size_t>(manifest.ranks), "one entry for every rank");
  for (int rank = 0; rank < manifest.ranks; ++rank) {
    const FileEntry& entry = manifest.files[static_cast<std::size_t>(rank)];
    PST_ASSERT(entry.name == rank_file(rank), "entries are in the order of ranks");
    const CheckedFile file(part, entry);
  }
}

/// Renames `part` to `whole`. A checkpoint of this step may be there already, of an attempt before or a damaged one: it
/// changes places with the new one in a single step where the file system can do that, so that there is always one, and
/// lies beside it until prune() finds the run past it.
void put_in_place(const Disk& disk, const fs::path& part, const fs::path& whole) {
  std::error_code status;
  const auto exists = [&](const fs::path& path) { return fs::exists(fs::symlink_status(path, status)); };
  if (!exists(whole)) return disk.rename(part, whole);
  int i = 0;
  while (exists(cat(whole.string(), ".replaced-", i))) ++i;
  const fs::path aside = cat(whole.string(), ".replaced-", i);
  if (disk.exchange(part, whole)) return disk.rename(part, aside);
  disk.rename(whole, aside);
  disk.rename(part, whole);
}

}  // namespace

void commit_part(const Disk& disk, const fs::path& part, const fs::path& whole, Manifest manifest,
                 std::span<const std::byte> state_image, const std::function<void()>& may_commit) {
  check_ranks(disk, part, manifest);
  const std::string digest = disk.write_file(part / kStateName, state_image, Step::write_state).digest;
  manifest.files.insert(manifest.files.begin(), {kStateName, state_image.size(), digest});
  const std::string text = to_text(manifest);
  disk.write_file(part / kManifestName, std::as_bytes(std::span(text)), Step::write_manifest);
  disk.sync_folder(part, Step::sync_folder);

  disk.enter(Step::fence, part);
  if (may_commit) may_commit();     // why this and fence() together suffice: retention.hpp
  put_in_place(disk, part, whole);  // the commit point: before it, nothing happened
  disk.sync_folder(whole.parent_path(), Step::sync_parent);
}

}  // namespace pst::checkpoint
