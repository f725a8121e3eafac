// SPDX-License-Identifier: Apache-2.0
#include "ops/arena.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

namespace pst::ops {
namespace {

constexpr std::size_t kStep = 4 << 20;  // memory is asked for in pieces of this size; untouched, they cost nothing

std::size_t rounded_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

Arena::Arena(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  for (std::size_t size = rounded_up(bytes, page); size >= page; size = rounded_up(size / 2, page)) {
    // Addresses without access count for no limit on memory, also where the system does not overcommit.
    void* const range = ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range != MAP_FAILED) {
      base_ = static_cast<std::byte*>(range);
      capacity_ = size;
      return;
    }
    if (size == page) return;
  }
}

Arena::~Arena() {
  if (base_ != nullptr) ::munmap(base_, capacity_);
}

void* Arena::allocate(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes > capacity_) return nullptr;
  const std::size_t size = rounded_up(std::max<std::size_t>(bytes, 1), kAlignment);
  std::size_t offset = top_;
  if (const auto hole = by_size_.lower_bound({size, 0}); hole != by_size_.end()) {
    const auto [room, begin] = *hole;
    offset = begin;
    by_size_.erase(hole);
    holes_.erase(begin);
    if (room > size) add_hole(begin + size, room - size);
  } else {
    if (size > capacity_ - top_ || !back(top_ + size)) return nullptr;
    top_ += size;
  }
  blocks_.emplace(offset, size);
  return base_ + offset;
}

void Arena::release(void* block) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = blocks_.find(static_cast<std::size_t>(static_cast<std::byte*>(block) - base_));
  if (found == blocks_.end()) return;
  std::size_t offset = found->first, size = found->second;
  blocks_.erase(found);
  const auto after = holes_.lower_bound(offset);
  if (after != holes_.end() && after->first == offset + size) {
    size += after->second;
    by_size_.erase({after->second, after->first});
    holes_.erase(after);
  }
  const auto next = holes_.lower_bound(offset);
  if (next != holes_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      offset = before->first;
      size += before->second;
      by_size_.erase({before->second, before->first});
      holes_.erase(before);
    }
  }
  if (offset + size == top_)
    top_ = offset;  // no hole at the end, so that a block larger than it grows from there
  else
    add_hole(offset, size);
}

bool Arena::owns(const void* block) const noexcept {
  const auto* const address = static_cast<const std::byte*>(block);
  return address >= base_ && address < base_ + capacity_;
}

std::size_t Arena::extent() const {
  const std::lock_guard lock(mutex_);
  return extent_;
}

void Arena::add_hole(std::size_t offset, std::size_t size) {
  holes_.emplace(offset, size);
  by_size_.emplace(size, offset);
}

/// Makes the bytes below `end` usable.
bool Arena::back(std::size_t end) {
  if (end > backed_) {
    const std::size_t wanted = std::min(capacity_, rounded_up(end, kStep));
    if (::mprotect(base_ + backed_, wanted - backed_, PROT_READ | PROT_WRITE) != 0) return false;
    backed_ = wanted;
  }
  extent_ = std::max(extent_, end);
  return true;
}

}  // namespace pst::ops
