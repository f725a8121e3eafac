// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "kernels/cuda/operations.hpp"

namespace pst {

/// A GPU as the module sees it.
struct CudaDevice {
  char name[128] = {};
  int major = 0, minor = 0;  ///< compute capability
  std::int64_t memory_bytes = 0;
  int multiprocessors = 0;
  char bus_id[24] = {};  ///< "0000:17:00.0": which one of the node it is, whatever number a process gives it
  int has_code = 0;  ///< 1: this module was built for it, or for an older one in a form that the driver can translate
};

/// What libpst_cuda.so offers: its only symbol, `pst_cuda_table`, returns one. Programs neither link the module nor any
/// CUDA library.
struct CudaTable {
  std::uint32_t abi = 0;    ///< kCudaAbi of the build
  std::uint32_t bytes = 0;  ///< sizeof(CudaTable), in case somebody forgot to raise the number

  /// The words for what the other functions return. @return static text
  const char* (*error_text)(int error) = nullptr;
  /// How many GPUs the driver shows. An error where there is no driver, or one too old.
  int (*device_count)(int* count) = nullptr;
  int (*describe)(int device, CudaDevice* found) = nullptr;
  int (*select)(int device) = nullptr;   ///< for the calling thread
  const char* (*built_for)() = nullptr;  ///< architectures, as CMake was given them

  /// Memory and copies for programs without libtorch. A copy is done when the function returns.
  int (*allocate)(void** memory, std::size_t bytes) = nullptr;
  int (*release)(void* memory) = nullptr;
  int (*copy_to_device)(void* to, const void* from, std::size_t bytes) = nullptr;
  int (*copy_to_host)(void* to, const void* from, std::size_t bytes) = nullptr;
  int (*wait)(cuda::Stream stream) =
      nullptr;  ///< until all that is queued there is done; what has failed in it shows here

  /// Ranges of a timeline, for Nsight Systems. They cost some nanoseconds where nobody listens.
  void (*range_push)(const char* name) = nullptr;
  void (*range_pop)() = nullptr;

  decltype(&cuda::add) add = nullptr;
  decltype(&cuda::scale) scale = nullptr;
  decltype(&cuda::sum_shares) sum_shares = nullptr;
  decltype(&cuda::sum_of_squares) sum_of_squares = nullptr;
  decltype(&cuda::squares_of_blocks) squares_of_blocks = nullptr;
  decltype(&cuda::fingerprint) fingerprint = nullptr;
  decltype(&cuda::rms_norm) rms_norm = nullptr;
  decltype(&cuda::rms_norm_backward) rms_norm_backward = nullptr;
  decltype(&cuda::layer_norm) layer_norm = nullptr;
  decltype(&cuda::layer_norm_backward) layer_norm_backward = nullptr;
  decltype(&cuda::rope) rope = nullptr;
  decltype(&cuda::gated) gated = nullptr;
  decltype(&cuda::gated_backward) gated_backward = nullptr;
  decltype(&cuda::activate) activate = nullptr;
  decltype(&cuda::activate_backward) activate_backward = nullptr;
  decltype(&cuda::dropout) dropout = nullptr;
  decltype(&cuda::uniform_noise) uniform_noise = nullptr;
  decltype(&cuda::cross_entropy) cross_entropy = nullptr;
  decltype(&cuda::adamw) adamw = nullptr;
  decltype(&cuda::sgd) sgd = nullptr;
  decltype(&cuda::lion) lion = nullptr;
  decltype(&cuda::adamw_8bit) adamw_8bit = nullptr;
  decltype(&cuda::schedule_free) schedule_free = nullptr;
  decltype(&cuda::adafactor) adafactor = nullptr;
  decltype(&cuda::nf4_absmax) nf4_absmax = nullptr;
  decltype(&cuda::nf4_encode) nf4_encode = nullptr;
  decltype(&cuda::nf4_dequantise) nf4_dequantise = nullptr;
  decltype(&cuda::nf4_product) nf4_product = nullptr;
  decltype(&cuda::double_dequantise) double_dequantise = nullptr;
  decltype(&cuda::fp8_quantise) fp8_quantise = nullptr;
  decltype(&cuda::fp8_transpose) fp8_transpose = nullptr;
  decltype(&cuda::fp8_dequantise) fp8_dequantise = nullptr;
  decltype(&cuda::int8_dequantise) int8_dequantise = nullptr;

  /// Null on the emulated GPU of the tests: the work is a library's.
  decltype(&cuda::matmul) matmul = nullptr;

  /// Null there as well, and where the module was built without cuDNN's headers.
  decltype(&cuda::document_attention_needs) document_attention_needs = nullptr;
  decltype(&cuda::document_attention) document_attention = nullptr;
  decltype(&cuda::document_attention_backward) document_attention_backward = nullptr;
};

inline constexpr std::uint32_t kCudaAbi = 9;
inline constexpr const char* kCudaEntry = "pst_cuda_table";

}  // namespace pst
