// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/disk.hpp"
#include "checkpoint/manifest.hpp"
#include "checkpoint/receipt.hpp"
#include "checkpoint/retention.hpp"
#include "checkpoint/tensors.hpp"
#include "core/trace.hpp"

namespace pst::checkpoint {

/// Saves the state of a run behind its back: one per rank, with a snapshot buffer made once and a thread.
///
///     every rank   begin(step)           copies, returns; the thread writes step-N.part-<generation>/rank-<r>.h5 and a
///                                        receipt beside it
///     rank 0       its thread            looks for the receipts of all ranks; then it writes state.h5 and
///                                        manifest.json, renames, removes older ones
///     every rank   finish(), or drop()   back to idle
///
/// So a checkpoint is whole as soon as it is written, whatever the ranks are doing meanwhile. Where the file system is
/// slow to show the receipts, rank 0 may be told of them with receive().
///
/// A failure anywhere is told by progress(), not thrown, and leaves the checkpoints before it as they were.
class Writer {
 public:
  enum class Phase { idle, writing, written, committing, committed, dropping, failed };
  struct Progress {
    Phase phase = Phase::idle;
    std::int64_t step = 0;
    FileEntry file;          ///< this rank's, from `written` on
    double stall_s = 0;      ///< what begin() kept its caller, with what came before it
    std::string problem;     ///< when failed: the whole report
    std::string warning;     ///< when committed: what went wrong behind the commit
    double read_back_s = 0;  ///< part of write_s
    double write_s = 0;      ///< writing and fsync and reading back
    double commit_s = 0;     ///< from the last receipt to committed
    fs::path folder;         ///< the committed checkpoint
  };
  struct Options {
    Keep keep = {};
    /// Called on rank 0 just before the rename; throws when a newer attempt holds the lease (see fence()).
    std::function<void()> may_commit = {};
    /// Called on rank 0, by its thread, as soon as a checkpoint is whole.
    std::function<void(const Progress&)> committed = {};
    trace::Sink* trace = nullptr;  ///< whom the thread tells what it does
    Division division = {};        ///< the same on every rank, which holds its own rows; empty: even_division()
    Sabotage sabotage = {};        ///< for tests
  };

  /// @param checkpoints  the folder of all checkpoints of the run; made when the first is written
  /// @param tensors      all of them, with the same names and shapes on every rank; their values are read during
  ///                     begin() only
  /// @throws Error(unfit) when there is no memory for the snapshot, Error(bug)
  Writer(fs::path checkpoints, int rank, int ranks, int generation, std::vector<TensorRef> tensors, Options options);
  Writer(fs::path checkpoints, int rank, int ranks, int generation, std::vector<TensorRef> tensors)
      : Writer(std::move(checkpoints), rank, ranks, generation, std::move(tensors), Options{}) {}
  ~Writer();  ///< waits for what is being written
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  bool idle() const;
  std::uint64_t snapshot_bytes() const;  ///< of this rank's file
  struct Begin {
    Manifest manifest = {};    ///< on rank 0: step, digests, state and so on; its files are found
    std::string replica = {};  ///< digest of what all ranks have alike; where they differ nothing is committed
    double since_s = 0;        ///< monotonic time from which saving has kept the caller; 0: from now
  };
  /// Copies this rank's share and lets the thread write it. Only when idle, as often on every rank.
  void begin(std::int64_t step, Begin with);
  void begin(std::int64_t step) { begin(step, {}); }
  Progress progress() const;  ///< never waits for the disk
  Progress wait() const;      ///< until the thread has nothing to do
  /// Rank 0, with the receipts of all ranks in their order: commits, unless its thread has found them already.
  void receive(std::vector<Receipt> receipts);
  void finish();  ///< after committed, failed, or (on other ranks) written: back to idle
  /// Instead of finish() when any rank failed: removes what was written; rank 0 removes the whole .part. Then idle.
  void drop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

const char* name_of(Writer::Phase phase);

}  // namespace pst::checkpoint
