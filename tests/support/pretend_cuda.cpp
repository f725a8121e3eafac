// SPDX-License-Identifier: Apache-2.0
// In the place of libpst_cuda.so: a module that claims to see $PRETEND_GPUS GPUs, and can do nothing with them. For
// tests of who decides what on machines without one.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kernels/cuda/table.hpp"

namespace {

int gpus() {
  const char* const count = std::getenv("PRETEND_GPUS");
  return count == nullptr ? 0 : std::atoi(count);
}

}  // namespace

extern "C" [[gnu::visibility("default")]] const pst::CudaTable* pst_cuda_table() {
  static const pst::CudaTable table = [] {
    pst::CudaTable made;
    made.abi = pst::kCudaAbi;
    made.bytes = sizeof made;
    made.error_text = [](int) { return "an error of no GPU"; };
    made.device_count = [](int* count) {
      *count = gpus();
      return 0;
    };
    made.describe = [](int device, pst::CudaDevice* found) {
      std::strcpy(found->name, "pretended");
      std::snprintf(found->bus_id, sizeof found->bus_id, "0000:%02x:00.0", static_cast<unsigned>(device));
      found->has_code = 1;
      return 0;
    };
    made.select = [](int) { return 1; };
    made.built_for = [] { return "nothing"; };
    return made;
  }();
  return &table;
}
