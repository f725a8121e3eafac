// SPDX-License-Identifier: Apache-2.0
#include "telemetry/phase_board.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <random>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::telemetry {

using Number = std::atomic<std::int64_t>;
static_assert(Number::is_always_lock_free, "atomics in shared memory must not hide a lock of one process");

struct PhaseBoard::Slot {
  Number step{0};  // 0 while the values change
  Number step_us{0};
  std::array<Number, kStepPhases> phase_us{};
};
struct alignas(64) PhaseBoard::Row {
  Number pid{0}, rank{0};
  std::array<Slot, kHistory> slots{};
};

std::optional<PhaseBoard> PhaseBoard::map(const std::string& name, int descriptor, int ranks) {
  void* const memory =
      ::mmap(nullptr, sizeof(Row) * static_cast<std::size_t>(ranks), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  ::close(descriptor);
  if (memory == MAP_FAILED) return std::nullopt;
  return PhaseBoard(name, static_cast<Row*>(memory), ranks);
}

std::optional<PhaseBoard> PhaseBoard::create(int ranks, std::string& problem) {
  std::random_device random;
  const std::string name = cat("/peft-studio-", ::getpid(), "-", random());
  const int descriptor = ::shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    problem = cat("no shared memory on this node: ", std::strerror(errno));
    return std::nullopt;
  }
  // Allocated now: a full /dev/shm would otherwise be a SIGBUS at the first write.
  if (const int status = ::posix_fallocate(descriptor, 0, static_cast<off_t>(sizeof(Row)) * ranks); status != 0) {
    problem = cat("no room in shared memory: ", std::strerror(status));
    ::close(descriptor);
    ::shm_unlink(name.c_str());
    return std::nullopt;
  }
  auto board = map(name, descriptor, ranks);
  if (!board) {
    problem = cat("shared memory cannot be mapped: ", std::strerror(errno));
    ::shm_unlink(name.c_str());
    return std::nullopt;
  }
  for (int local = 0; local < ranks; ++local) new (board->rows_ + local) Row;
  board->linked_ = true;
  return board;
}

std::optional<PhaseBoard> PhaseBoard::open(const std::string& name, int ranks) {
  if (name.empty()) return std::nullopt;
  const int descriptor = ::shm_open(name.c_str(), O_RDWR | O_CLOEXEC, 0);
  if (descriptor < 0) return std::nullopt;
  struct stat info {};
  if (::fstat(descriptor, &info) != 0 ||
      static_cast<std::size_t>(info.st_size) < sizeof(Row) * static_cast<std::size_t>(ranks)) {
    ::close(descriptor);
    return std::nullopt;
  }
  return map(name, descriptor, ranks);
}

PhaseBoard::PhaseBoard(PhaseBoard&& other) noexcept
    : name_(std::move(other.name_)),
      rows_(std::exchange(other.rows_, nullptr)),
      ranks_(other.ranks_),
      linked_(std::exchange(other.linked_, false)) {}

PhaseBoard& PhaseBoard::operator=(PhaseBoard&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(rows_, other.rows_);
  std::swap(ranks_, other.ranks_);
  std::swap(linked_, other.linked_);
  return *this;
}

PhaseBoard::~PhaseBoard() {
  unlink();
  if (rows_ != nullptr) ::munmap(rows_, sizeof(Row) * static_cast<std::size_t>(ranks_));
}

void PhaseBoard::unlink() {
  if (std::exchange(linked_, false)) ::shm_unlink(name_.c_str());
}

void PhaseBoard::introduce(int local, int rank, std::int64_t pid) {
  PST_ASSERT(local >= 0 && local < ranks_, "a rank of this node");
  rows_[local].rank.store(rank, std::memory_order_relaxed);
  rows_[local].pid.store(pid, std::memory_order_release);
}

std::optional<PhaseBoard::Member> PhaseBoard::member(int local) const {
  const std::int64_t pid = rows_[local].pid.load(std::memory_order_acquire);
  if (pid == 0) return std::nullopt;
  return Member{static_cast<int>(rows_[local].rank.load(std::memory_order_relaxed)), pid};
}

void PhaseBoard::put(int local, std::int64_t step, const RankStep& times) {
  Slot& slot = rows_[local].slots[static_cast<std::size_t>(step % kHistory)];
  slot.step.store(0, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  slot.step_us.store(times.step_us, std::memory_order_relaxed);
  for (std::size_t i = 0; i < kStepPhases; ++i) slot.phase_us[i].store(times.phase_us[i], std::memory_order_relaxed);
  slot.step.store(step, std::memory_order_release);
}

std::optional<RankStep> PhaseBoard::get(int local, std::int64_t step) const {
  const Slot& slot = rows_[local].slots[static_cast<std::size_t>(step % kHistory)];
  if (slot.step.load(std::memory_order_acquire) != step) return std::nullopt;
  RankStep times;
  times.step_us = slot.step_us.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < kStepPhases; ++i) times.phase_us[i] = slot.phase_us[i].load(std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_acquire);
  if (slot.step.load(std::memory_order_relaxed) != step) return std::nullopt;  // overwritten while it was read
  return times;
}

}  // namespace pst::telemetry
