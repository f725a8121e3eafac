// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <functional>
#include <string>

namespace pst::comm {

/// The calls of the CUDA runtime that a communicator makes itself, through a table like NcclApi.
struct CudaApi {
  using Error = int;     ///< cudaError_t
  using Stream = void*;  ///< cudaStream_t
  using Event = void*;   ///< cudaEvent_t
  static constexpr Error kSuccess = 0, kNotReady = 600;
  static constexpr unsigned kNonBlockingStream = 1, kEventWithoutTiming = 2;

  std::function<Error(int device)> set_device;
  std::function<const char*(Error)> get_error_string;
  std::function<Error(char* text, int bytes, int device)> device_pci_bus_id;  ///< "0000:17:00.0"
  std::function<Error(Stream*, unsigned flags)> stream_create;
  std::function<Error(Stream)> stream_destroy;
  std::function<Error(Stream, Event, unsigned flags)> stream_wait_event;
  std::function<Error(Event*, unsigned flags)> event_create;
  std::function<Error(Event)> event_destroy;
  std::function<Error(Event, Stream)> event_record;
  std::function<Error(Event)> event_query;
  std::function<Error(void**, std::size_t)> malloc;
  std::function<Error(void*)> free;
  std::function<Error(void*, const void*, std::size_t, int kind)> memcpy;
  static constexpr int kToDevice = 1, kToHost = 2;
};

/// The functions of the CUDA runtime that libtorch has loaded, or of libcudart.so.13 or .12 wherever the system has it.
/// @throws Error(unfit) with the remedy
CudaApi load_cuda_runtime();

}  // namespace pst::comm
