// SPDX-License-Identifier: Apache-2.0
#include "ops/allocator.hpp"

#include <c10/core/CPUAllocator.h>
#include <unistd.h>

#include <cstdlib>
#include <new>

#include "ops/arena.hpp"

namespace pst::ops {
namespace {

/// Smaller tensors are malloc's: they are many, and their holes fit each other.
constexpr std::size_t kSmall = 4 << 10;

/// As many addresses as the node has memory: no rank can use more. Never freed, as tensors may outlive everything else.
Arena& arena() {
  static auto* const all = new Arena(static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) *
                                     static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
  return *all;
}

void* take(std::size_t bytes) {
  void* block = bytes >= kSmall ? arena().allocate(bytes) : nullptr;
  if (block == nullptr)
    block =
        std::aligned_alloc(Arena::kAlignment, (bytes + Arena::kAlignment - 1) / Arena::kAlignment * Arena::kAlignment);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void give_back(void* data) {
  if (data == nullptr) return;
  if (arena().owns(data))
    arena().release(data);
  else
    std::free(data);
}

class TensorAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    void* const data = bytes == 0 ? nullptr : take(bytes);
    return {data, data, &give_back, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }
};

}  // namespace

void use_tensor_arena() {
  static TensorAllocator allocator;  // tensors may outlive everything else
  c10::SetCPUAllocator(&allocator, /*priority=*/1);
}

std::size_t arena_extent() { return arena().extent(); }

}  // namespace pst::ops
