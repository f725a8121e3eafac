// SPDX-License-Identifier: Apache-2.0
#include "comm_nccl/cuda_api.hpp"

#include <cstdlib>

#include "comm_nccl/shared_library.hpp"
#include "core/error.hpp"

#if __has_include(<cuda_runtime_api.h>)
#include <cuda_runtime_api.h>
static_assert(cudaSuccess == pst::comm::CudaApi::kSuccess && cudaErrorNotReady == pst::comm::CudaApi::kNotReady);
static_assert(cudaStreamNonBlocking == pst::comm::CudaApi::kNonBlockingStream);
static_assert(cudaEventDisableTiming == pst::comm::CudaApi::kEventWithoutTiming);
static_assert(cudaMemcpyHostToDevice == pst::comm::CudaApi::kToDevice);
static_assert(cudaMemcpyDeviceToHost == pst::comm::CudaApi::kToHost);
#endif

namespace pst::comm {
namespace {

/// libtorch's own one if there is one: two runtimes of one process would work, but which version speaks should be
/// known.
std::string runtime() {
  for (const char* const name : {"libcudart.so.13", "libcudart.so.12"})
    if (void* const loaded = ::dlopen(name, RTLD_NOW | RTLD_NOLOAD); loaded != nullptr) {
      ::dlclose(loaded);
      return name;
    }
  for (const char* const name : {"libcudart.so.13", "libcudart.so.12"})
    if (void* const found = ::dlopen(name, RTLD_NOW | RTLD_LOCAL); found != nullptr) {
      ::dlclose(found);
      return name;
    }
  return "libcudart.so.13";  // whose absence is then reported
}

}  // namespace

CudaApi load_cuda_runtime() {
  const SharedLibrary cuda(
      runtime(), "the CUDA runtime comes with the CUDA wheels of torch; use one of them, or train.device: cpu");
  CudaApi api;
  cuda.get(api.set_device, "cudaSetDevice");
  cuda.get(api.get_error_string, "cudaGetErrorString");
  cuda.get(api.device_pci_bus_id, "cudaDeviceGetPCIBusId");
  cuda.get(api.stream_create, "cudaStreamCreateWithFlags");
  cuda.get(api.stream_destroy, "cudaStreamDestroy");
  cuda.get(api.stream_wait_event, "cudaStreamWaitEvent");
  cuda.get(api.event_create, "cudaEventCreateWithFlags");
  cuda.get(api.event_destroy, "cudaEventDestroy");
  cuda.get(api.event_record, "cudaEventRecord");
  cuda.get(api.event_query, "cudaEventQuery");
  cuda.get(api.malloc, "cudaMalloc");
  cuda.get(api.free, "cudaFree");
  cuda.get(api.memcpy, "cudaMemcpy");
  return api;
}

}  // namespace pst::comm
