// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/writer.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "checkpoint/commit.hpp"
#include "checkpoint/fletcher32.hpp"
#include "checkpoint/hdf5_image.hpp"
#include "checkpoint/rank_index.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::checkpoint {
namespace {

constexpr double kMostBetweenLooks_s = 0.5;

std::vector<TensorSpec> specs_of(const std::vector<TensorRef>& tensors) {
  check_tensors(tensors);
  std::vector<TensorSpec> specs;
  for (const auto& tensor : tensors) specs.push_back({tensor.name, tensor.shape, tensor.values.dtype});
  return specs;
}

/// The whole of a rank's file: HDF5 image, index, tail.
Hdf5Image with_index(Hdf5Image image, int rank, int ranks) {
  const std::string index = write_index({rank, ranks, image.shares});
  const std::size_t end = image.memory.bytes().size();
  image.memory.resize(end + index.size());
  std::memcpy(image.memory.bytes().data() + end, index.data(), index.size());
  return image;
}

/// One copy per chunk, from the rows held to their place in the file. The padding behind the last row stays zero.
std::vector<Copy> copies_into(Hdf5Image& image, const std::vector<TensorRef>& tensors) {
  std::vector<Copy> copies;
  auto tensor = tensors.begin();
  for (const auto& share : image.shares) {
    while (tensor->name != share.tensor.name) ++tensor;  // shares are in the order of tensors, some left out
    const Rows held = rows_held(tensor->shape, tensor->first_row, tensor->values.count);
    PST_ASSERT(held.begin <= share.first_row && share.first_row + share.rows <= held.end, "a rank stores what it has");
    const auto* values = static_cast<const std::byte*>(tensor->values.data);
    for (std::size_t i = 0; i < share.chunks.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i) * share.chunk_rows;
      const auto rows = std::min(share.chunk_rows, share.rows - row);
      copies.push_back({image.memory.bytes().data() + share.chunks[i],
                        values + static_cast<std::uint64_t>(share.first_row + row - held.begin) * share.row_bytes(),
                        static_cast<std::uint64_t>(rows) * share.row_bytes()});
    }
  }
  return copies;
}

void put_checksums(Hdf5Image& image) {
  const auto bytes = image.memory.bytes();
  for (const auto& share : image.shares)
    for (const auto offset : share.chunks) {
      Fletcher32 sum;
      sum.add(bytes.subspan(offset, share.chunk_bytes()));
      for (std::size_t i = 0; i < 4; ++i)
        bytes[offset + share.chunk_bytes() + i] = static_cast<std::byte>(sum.value() >> (8 * i) & 0xff);
    }
}

}  // namespace

struct Writer::Impl {
  fs::path checkpoints;
  int rank, ranks, generation;
  Options options;
  std::vector<TensorSpec> specs;
  Division division;
  Hdf5Image image, state;  // state: on rank 0
  Disk disk;
  std::vector<Copy> copies;

  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  Progress progress;
  Begin with;                     // of the save that is under way
  std::int64_t tried = 0;         // saves begun, the same on every rank
  std::vector<Receipt> receipts;  // on rank 0, of all ranks, once they are there
  bool stopping = false;
  std::thread thread;  // last: it uses all of the above

  Impl(fs::path folder, int rank_, int ranks_, int generation_, std::vector<TensorRef> tensors, Options options_)
      : checkpoints(std::move(folder)),
        rank(rank_),
        ranks(ranks_),
        generation(generation_),
        options(std::move(options_)),
        specs(specs_of(tensors)),
        division(options.division.empty() ? even_division(specs, ranks) : options.division),
        image(with_index(rank_image(specs, division, rank), rank, ranks)),
        disk(std::as_const(image.memory).bytes().size(), options.sabotage) {
    if (rank == 0) state = state_image(specs, division);
    copies = copies_into(image, tensors);
    thread = std::thread([this] { run(); });
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    changed.notify_all();
    thread.join();
  }

  fs::path part() const { return checkpoints / cat(folder_name(progress.step), ".part-", generation); }
  static bool busy(Phase phase) {
    return phase == Phase::writing || phase == Phase::committing || phase == Phase::dropping;
  }
  /// Whether rank 0 may look for receipts; the others have done what they have to.
  bool gathers() const { return rank == 0 && progress.phase == Phase::written; }

  void set(Phase phase) {
    const std::lock_guard lock(mutex);
    progress.phase = phase;
    changed.notify_all();
  }

  /// The thread: does what the phase asks for. Only it leaves a busy phase, and only its owner enters one.
  void run() {
    const trace::Telling telling(options.trace);
    for (;;) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return stopping || busy(progress.phase) || gathers(); });
      if (!stopping && gathers()) gather(lock);
      const Phase phase = progress.phase;
      if (stopping && !busy(phase)) return;
      if (!busy(phase)) continue;
      lock.unlock();
      if (phase == Phase::dropping) {
        discard();
        set(Phase::idle);
        continue;
      }
      try {
        const std::string action = cat("saving step ", progress.step, " (rank ", rank, " of ", ranks, ")");
        doing(action, [&] { phase == Phase::writing ? write() : commit(); });
      } catch (const Error& error) {
        discard();
        const std::lock_guard guard(mutex);
        progress.problem = error.what();
        progress.phase = Phase::failed;
        changed.notify_all();
      }
    }
  }

  void write() {
    const double begin_s = monotonic_seconds();
    {
      const trace::Scope span(trace::Kind::disk, "checksums");
      put_checksums(image);
    }
    disk.make_folder(part());
    const auto bytes = std::as_const(image.memory).bytes();
    const auto written = disk.write_file(part() / rank_file(rank), bytes);

    const Receipt mine{{rank_file(rank), bytes.size(), written.digest}, with.replica};
    put_receipt(disk, part(), rank, tried, mine);

    const std::lock_guard lock(mutex);
    progress.file = mine.file;
    progress.read_back_s = written.read_back_s;
    progress.write_s = monotonic_seconds() - begin_s;
    progress.phase = Phase::written;
    if (ranks == 1) commit_with({mine});
    changed.notify_all();
  }

  /// With the lock held. @param all in the order of ranks
  void commit_with(std::vector<Receipt> all) {
    if (progress.phase != Phase::written) return;
    receipts = std::move(all);
    progress.phase = Phase::committing;
    changed.notify_all();
  }

  /// Looks until all ranks' receipts are there, somebody brings them, or nobody wants them any more. Seldom where it
  /// takes long: each look costs a shared file system an open() for the first rank that is missing.
  void gather(std::unique_lock<std::mutex>& lock) {
    std::vector<Receipt> found;
    for (double wait_s = 0.02; !stopping && gathers(); wait_s = std::min(2 * wait_s, kMostBetweenLooks_s)) {
      lock.unlock();
      while (found.size() < static_cast<std::size_t>(ranks)) {
        auto next = find_receipt(part(), static_cast<int>(found.size()), tried);
        if (!next) break;
        found.push_back(std::move(*next));
      }
      lock.lock();
      if (found.size() == static_cast<std::size_t>(ranks)) return commit_with(std::move(found));
      changed.wait_for(lock, std::chrono::duration<double>(wait_s), [&] { return stopping || !gathers(); });
    }
  }

  /// @throws Error(unfit) where ranks say different things of what they have alike
  void check_replicas() const {
    for (std::size_t r = 1; r < receipts.size(); ++r)
      if (receipts[r].replica != receipts[0].replica)
        throw Error(Fault::unfit, cat("the parameters of rank ", r, " differ from those of rank 0"),
                    "a node's memory or processor is suspect: leave its node out with slurm.exclude");
  }

  void commit() {
    const trace::Scope span(trace::Kind::disk, "commit");
    const double begin_s = monotonic_seconds();
    check_replicas();
    Manifest manifest = std::move(with.manifest);
    manifest.files.clear();
    for (const Receipt& receipt : receipts) manifest.files.push_back(receipt.file);
    std::error_code ignored;
    for (int r = 0; r < ranks; ++r) fs::remove(part() / receipt_name(r, tried), ignored);
    manifest.format = 1;
    manifest.step = progress.step;
    manifest.generation = generation;
    manifest.ranks = ranks;
    manifest.tensors = specs;
    if (manifest.created.empty()) manifest.created = iso_time(unix_seconds());
    const fs::path whole = checkpoints / folder_name(progress.step);
    commit_part(disk, part(), whole, std::move(manifest), std::as_const(state.memory).bytes(), options.may_commit);

    // Committed. A failure from here on costs space and not the checkpoint.
    std::string warning;
    try {
      disk.enter(Step::prune, checkpoints);
      if (options.may_commit) options.may_commit();  // the folder may be another attempt's by now
      prune(checkpoints, options.keep, Check::sizes);
    } catch (const Error& error) {
      warning = error.what();
    }
    Progress whole_now = [&] {
      const std::lock_guard lock(mutex);
      progress.warning = std::move(warning);
      progress.folder = whole;
      progress.commit_s = monotonic_seconds() - begin_s;
      return progress;
    }();
    whole_now.phase = Phase::committed;
    if (options.committed) options.committed(whole_now);
    set(Phase::committed);
  }

  /// Frees what a save that came to nothing occupies, as far as it lets itself be removed.
  void discard() noexcept {
    std::error_code ignored;
    fs::remove(part() / rank_file(rank), ignored);
    fs::remove(part() / receipt_name(rank, tried), ignored);
    if (rank != 0) return;
    try {
      remove_folder(part());
    } catch (const Error&) {
      fs::remove_all(part(), ignored);
    }
  }
};

Writer::Writer(fs::path checkpoints, int rank, int ranks, int generation, std::vector<TensorRef> tensors,
               Options options)
    : impl_(std::make_unique<Impl>(std::move(checkpoints), rank, ranks, generation, std::move(tensors),
                                   std::move(options))) {}

Writer::~Writer() = default;

bool Writer::idle() const { return progress().phase == Phase::idle; }

std::uint64_t Writer::snapshot_bytes() const { return std::as_const(impl_->image.memory).bytes().size(); }

void Writer::begin(std::int64_t step, Begin with) {
  const double since_s = with.since_s > 0 ? with.since_s : monotonic_seconds();
  PST_ASSERT(idle(), "one checkpoint at a time: there is one snapshot buffer");
  const trace::Scope span(
      {.kind = trace::Kind::disk, .name = "snapshot", .bytes = static_cast<std::int64_t>(snapshot_bytes())});
  copy_all(impl_->copies);
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->progress = {};
    impl_->progress.step = step;
    impl_->progress.stall_s = monotonic_seconds() - since_s;
    impl_->progress.phase = Phase::writing;
    with.manifest.step = step;
    impl_->with = std::move(with);
    ++impl_->tried;
  }
  impl_->changed.notify_all();
}

Writer::Progress Writer::progress() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->progress;
}

Writer::Progress Writer::wait() const {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [&] { return !Impl::busy(impl_->progress.phase); });
  return impl_->progress;
}

void Writer::receive(std::vector<Receipt> receipts) {
  PST_ASSERT(impl_->rank == 0 && receipts.size() == static_cast<std::size_t>(impl_->ranks), "rank 0 commits, with all");
  const std::lock_guard lock(impl_->mutex);
  impl_->commit_with(std::move(receipts));
}

void Writer::finish() {
  const std::lock_guard lock(impl_->mutex);
  PST_ASSERT(!Impl::busy(impl_->progress.phase), "nothing is being written when a save is finished");
  impl_->progress.phase = Phase::idle;
}

void Writer::drop() {
  {
    const std::lock_guard lock(impl_->mutex);
    PST_ASSERT(!Impl::busy(impl_->progress.phase), "nothing is being written when a save is dropped");
    impl_->progress.phase = Phase::dropping;
  }
  impl_->changed.notify_all();
}

const char* name_of(Writer::Phase phase) {
  switch (phase) {
    case Writer::Phase::idle: return "idle";
    case Writer::Phase::writing: return "writing";
    case Writer::Phase::written: return "written";
    case Writer::Phase::committing: return "committing";
    case Writer::Phase::committed: return "committed";
    case Writer::Phase::dropping: return "dropping";
    case Writer::Phase::failed: return "failed";
  }
  return "?";
}

}  // namespace pst::checkpoint
