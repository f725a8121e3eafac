// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>

namespace pst::checkpoint {

/// Zeroed memory for a snapshot, in huge pages where the kernel has them: a copy into it then runs at the memory's
/// speed and not at that of the page tables.
class Memory {
 public:
  Memory() = default;
  explicit Memory(std::size_t size);  ///< @throws Error(unfit) when there is not that much
  ~Memory();
  Memory(Memory&& other) noexcept;
  Memory& operator=(Memory&& other) noexcept;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  /// Keeps what there is up to `size`; what is new is zero. The bytes may move, but never exist twice. @throws
  /// Error(unfit)
  void resize(std::size_t size);

  std::span<std::byte> bytes() { return {data_, size_}; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

struct Copy {
  std::byte* to;
  const std::byte* from;
  std::size_t bytes;
};

/// All copies, shared among as many threads as pay: one core alone seldom reaches the memory's bandwidth.
/// @param threads 0: as many as cores may be used, at most 8
void copy_all(std::span<const Copy> copies, int threads = 0);

}  // namespace pst::checkpoint
