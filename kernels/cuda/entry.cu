// SPDX-License-Identifier: Apache-2.0
#include <nvtx3/nvToolsExt.h>

#include <cstdint>
#include <cstring>
#include <mutex>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/table_of_operations.hpp"

// The module's only symbol, and what it asks the CUDA runtime for, which is linked statically.
namespace pst::cuda {

namespace {

/// Lets CUDA keep what scratch memory gave back: otherwise the next one after a wait for the GPU takes half a
/// millisecond.
void keep_scratch_memory() {
  static std::once_flag once;  // a rank works on one GPU
  std::call_once(once, [] {
    int device = 0;
    cudaMemPool_t pool = nullptr;
    std::uint64_t bytes = std::uint64_t{64} << 20;
    if (cudaGetDevice(&device) != cudaSuccess || cudaDeviceGetDefaultMemPool(&pool, device) != cudaSuccess) return;
    cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &bytes);
  });
}

}  // namespace

Scratch::Scratch(Stream stream, std::size_t bytes) : stream_(stream), bytes_(bytes) {
  keep_scratch_memory();
  error_ = cudaMallocAsync(&memory_, bytes, static_cast<cudaStream_t>(stream));
}
Scratch::~Scratch() {
  if (memory_ != nullptr) cudaFreeAsync(memory_, static_cast<cudaStream_t>(stream_));
}
int Scratch::clear() const { return cudaMemsetAsync(memory_, 0, bytes_, static_cast<cudaStream_t>(stream_)); }
int Scratch::read(void* to, std::size_t begin, std::size_t bytes) const {
  const auto* const from = static_cast<const unsigned char*>(memory_) + begin;
  if (const int error = cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, static_cast<cudaStream_t>(stream_)))
    return error;
  return cudaStreamSynchronize(static_cast<cudaStream_t>(stream_));
}

namespace {

__global__ void nothing() {}

const char* error_text(int error) {
  if (error == kNotHere) return "not possible on this GPU";
  if (error >= kCudnnErrors) return "cuDNN refused; CUDNN_LOGLEVEL_DBG=2 in the environment makes it say why";
  if (error >= kLibraryErrors) return "cuBLASLt refused";
  return cudaGetErrorString(static_cast<cudaError_t>(error));
}
int device_count(int* count) { return cudaGetDeviceCount(count); }
int select(int device) { return cudaSetDevice(device); }

int describe(int device, CudaDevice* found) {
  cudaDeviceProp properties;
  if (const int error = cudaGetDeviceProperties(&properties, device)) return error;
  std::memcpy(found->name, properties.name, sizeof found->name - 1);
  found->major = properties.major;
  found->minor = properties.minor;
  found->memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem);
  found->multiprocessors = properties.multiProcessorCount;
  if (const int error = cudaDeviceGetPCIBusId(found->bus_id, sizeof found->bus_id, device)) return error;
  if (const int error = cudaSetDevice(device)) return error;
  cudaFuncAttributes attributes;
  const cudaError_t loads = cudaFuncGetAttributes(&attributes, nothing);
  if (loads == cudaErrorNoKernelImageForDevice || loads == cudaErrorInvalidDeviceFunction) {
    cudaGetLastError();  // it was asked, and is not to be seen as the next launch's
    found->has_code = 0;
    return 0;
  }
  found->has_code = loads == cudaSuccess;
  return loads;
}

const char* built_for() { return PST_CUDA_BUILT_FOR; }

int allocate(void** memory, std::size_t bytes) { return cudaMalloc(memory, bytes); }
int release(void* memory) { return cudaFree(memory); }
int copy_to_device(void* to, const void* from, std::size_t bytes) {
  return cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice);
}
int copy_to_host(void* to, const void* from, std::size_t bytes) {
  return cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost);
}
int wait(Stream stream) { return cudaStreamSynchronize(static_cast<cudaStream_t>(stream)); }

void range_push(const char* name) { nvtxRangePushA(name); }
void range_pop() { nvtxRangePop(); }

CudaTable make_table() {
  CudaTable table;
  fill_operations(table);
  table.error_text = error_text;
  table.device_count = device_count;
  table.describe = describe;
  table.select = select;
  table.built_for = built_for;
  table.allocate = allocate;
  table.release = release;
  table.copy_to_device = copy_to_device;
  table.copy_to_host = copy_to_host;
  table.wait = wait;
  table.range_push = range_push;
  table.range_pop = range_pop;
  table.matmul = &matmul;
#ifdef PST_WITH_CUDNN
  table.document_attention_needs = &document_attention_needs;
  table.document_attention = &document_attention;
  table.document_attention_backward = &document_attention_backward;
#endif
  return table;
}

}  // namespace
}  // namespace pst::cuda

extern "C" __attribute__((visibility("default"))) const pst::CudaTable* pst_cuda_table() {
  static const pst::CudaTable table = pst::cuda::make_table();
  return &table;
}
