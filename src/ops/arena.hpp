// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace pst::ops {

/// Memory for tensors and nothing else: one range of addresses, of which as much as is used from the bottom is backed.
/// A request takes the smallest hole that holds it, and a freed block joins its neighbours, so that a micro batch of
/// another size finds the whole room that the one before it left. In malloc's heap it does not: what a library keeps
/// for good (oneDNN: 40 to 100 KiB for every size of product) settles in the holes between tensors and divides them.
/// Memory once backed stays: it is what the next step needs. Thread-safe.
class Arena {
 public:
  static constexpr std::size_t kAlignment = 64;  ///< of a cache line and of the widest vector registers

  /// @param bytes  of addresses, rounded up to whole pages; none of it is memory yet. Where the system grants only less
  /// (`ulimit -v`), half of it, and so on; an arena of no bytes has no room for anything.
  explicit Arena(std::size_t bytes);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// A block of at least `bytes` at a multiple of kAlignment; nullptr when there is no room or no memory.
  void* allocate(std::size_t bytes);
  /// @param block  from allocate(), once
  void release(void* block) noexcept;
  bool owns(const void* block) const noexcept;

  /// From the bottom to the end of the highest block there ever was: at most this is resident.
  std::size_t extent() const;

 private:
  using Hole = std::pair<std::size_t, std::size_t>;  ///< size, offset

  void add_hole(std::size_t offset, std::size_t size);
  bool back(std::size_t end);

  std::byte* base_ = nullptr;
  std::size_t capacity_ = 0, backed_ = 0, top_ = 0, extent_ = 0;
  std::set<Hole> by_size_;
  std::map<std::size_t, std::size_t> holes_;   ///< offset -> size
  std::map<std::size_t, std::size_t> blocks_;  ///< offset -> size
  mutable std::mutex mutex_;
};

}  // namespace pst::ops
