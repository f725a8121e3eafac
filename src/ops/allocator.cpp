#include "ops/allocator.hpp"

#include <c10/core/CPUAllocator.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace pst::ops {
namespace {

constexpr std::uintptr_t kAlignment = 64;  // of a cache line and of the widest vector registers

/// malloc's block, the first cache line's border in it that leaves room for the block's address just before.
void* take(std::size_t bytes) {
  void* const block = std::malloc(bytes + kAlignment + sizeof(void*));
  if (block == nullptr) throw std::bad_alloc();
  const auto begin =
      (reinterpret_cast<std::uintptr_t>(block) + sizeof(void*) + kAlignment - 1) / kAlignment * kAlignment;
  std::memcpy(reinterpret_cast<void*>(begin - sizeof(void*)), &block, sizeof block);
  return reinterpret_cast<void*>(begin);
}

void give_back(void* data) {
  if (data == nullptr) return;
  void* block = nullptr;
  std::memcpy(&block, static_cast<std::byte*>(data) - sizeof(void*), sizeof block);
  std::free(block);
}

class ExactFit final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    void* const data = bytes == 0 ? nullptr : take(bytes);
    return {data, data, &give_back, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }
};

}  // namespace

void use_exact_fit_allocator() {
  static ExactFit allocator;  // tensors may outlive everything else
  c10::SetCPUAllocator(&allocator, /*priority=*/1);
}

}  // namespace pst::ops
