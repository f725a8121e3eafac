// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/snapshot_memory.hpp"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::checkpoint {
namespace {

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/// The bytes [begin, end) of all copies laid end to end.
void copy_part(std::span<const Copy> copies, std::size_t begin, std::size_t end) {
  std::size_t at = 0;
  for (const auto& copy : copies) {
    const std::size_t from = std::max(begin, at), to = std::min(end, at + copy.bytes);
    if (from < to) std::memcpy(copy.to + (from - at), copy.from + (from - at), to - from);
    at += copy.bytes;
    if (at >= end) return;
  }
}

}  // namespace

Memory::Memory(std::size_t size) { resize(size); }

void Memory::resize(std::size_t size) {
  PST_ASSERT(size > 0, "memory is given back by the destructor");
  void* const mapped = data_ == nullptr
                           ? ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                           : ::mremap(data_, size_, size, MREMAP_MAYMOVE);
  if (mapped == MAP_FAILED)
    throw Error(Fault::unfit, cat("no memory for a checkpoint's snapshot of ", human_bytes(size)),
                "use more ranks, a smaller adapter, or a node with more memory");
  ::madvise(mapped, size, MADV_HUGEPAGE);  // a wish: without huge pages it is only slower
  data_ = static_cast<std::byte*>(mapped);
  // The rest of a page that was cut off comes back as it was.
  if (size > size_) std::memset(data_ + size_, 0, std::min(size - size_, std::size_t{1} << 16));
  size_ = size;
}

Memory::~Memory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Memory::Memory(Memory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Memory& Memory::operator=(Memory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void copy_all(std::span<const Copy> copies, int threads) {
  constexpr std::size_t kBytesPerThread = 4 << 20;  // below, starting a thread costs more than it saves
  std::size_t total = 0;
  for (const auto& copy : copies) total += copy.bytes;
  const auto most = static_cast<std::size_t>(threads > 0 ? threads : std::min(usable_cores(), 8));
  const std::size_t parts = std::clamp<std::size_t>(total / kBytesPerThread, 1, most);

  std::vector<std::jthread> helpers;
  for (std::size_t i = 1; i < parts; ++i)
    helpers.emplace_back(
        [&, i] { copy_part(copies, total / parts * i, i + 1 == parts ? total : total / parts * (i + 1)); });
  copy_part(copies, 0, parts == 1 ? total : total / parts);
}

}  // namespace pst::checkpoint
