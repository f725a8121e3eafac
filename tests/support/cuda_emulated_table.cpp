// SPDX-License-Identifier: Apache-2.0
#include "support/cuda_emulated_table.hpp"

#include <cstdlib>
#include <cstring>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/table_of_operations.hpp"

namespace pst {

cuda::Scratch::Scratch(Stream stream, std::size_t bytes) : stream_(stream), memory_(std::malloc(bytes)), bytes_(bytes) {
  std::memset(memory_, 0xff, bytes);  // a GPU's is not zero either
}
cuda::Scratch::~Scratch() { std::free(memory_); }
int cuda::Scratch::clear() const {
  std::memset(memory_, 0, bytes_);
  return 0;
}
int cuda::Scratch::read(void* to, std::size_t begin, std::size_t bytes) const {
  std::memcpy(to, static_cast<const unsigned char*>(memory_) + begin, bytes);
  return 0;
}

const CudaTable& fixture::emulated_cuda_table() {
  static const CudaTable table = [] {
    CudaTable made;
    cuda::fill_operations(made);
    made.error_text = [](int) { return "an error of the emulated GPU"; };
    made.device_count = [](int* count) {
      *count = 1;
      return 0;
    };
    made.describe = [](int, CudaDevice* found) {
      std::strcpy(found->name, "emulated");
      found->has_code = 1;
      return 0;
    };
    made.select = [](int) { return 0; };
    made.built_for = [] { return "emulation"; };
    made.allocate = [](void** memory, std::size_t bytes) {
      *memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
      return 0;
    };
    made.release = [](void* memory) {
      std::free(memory);
      return 0;
    };
    made.copy_to_device = made.copy_to_host = [](void* to, const void* from, std::size_t bytes) {
      std::memcpy(to, from, bytes);
      return 0;
    };
    made.wait = [](cuda::Stream) { return 0; };
    made.range_push = [](const char*) {};
    made.range_pop = [] {};
    return made;
  }();
  return table;
}

}  // namespace pst
