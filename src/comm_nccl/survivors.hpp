// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pst::comm {

/// A rank as its peers know it. `where` is its host's name first, then its addresses.
struct Peer {
  std::vector<std::string> where;
  const std::string& host() const { return where.front(); }
};

/// What a survivor writes down when an operation could not end. NCCL does not say whose fault it was: on the GPU an
/// operation simply stays undone.
struct RollCallNote {
  int rank = 0;
  std::int64_t operation = 0;  ///< how many it had begun
  std::string own_failure;     ///< what failed on this rank itself; empty: it only waited for others
};

/// Writes `mine` into `folder` and collects the others' notes until all `ranks` have answered or `patience_s` is over.
/// A folder that cannot be written or read makes for fewer notes, never for an error: one is being reported already.
std::vector<RollCallNote> call_roll(const std::filesystem::path& folder, const RollCallNote& mine, int ranks,
                                    double patience_s);
/// Whether somebody has begun.
bool roll_was_called(const std::filesystem::path& folder);

/// Who is to blame, in words, as far as that is known. The surest first: a rank that reported a failure of its own; one
/// that did not answer; one that is behind; the only one that was waited for; one whose address NCCL's message has.
/// @param notes       those who answered; empty: nobody was asked
/// @param awaited     world's ranks that the failed operation needed, without this one
/// @param library_text  NCCL's own message
std::string blame(const std::vector<Peer>& peers, int me, const std::vector<RollCallNote>& notes,
                  const std::vector<int>& awaited, const std::string& library_text);

}  // namespace pst::comm
