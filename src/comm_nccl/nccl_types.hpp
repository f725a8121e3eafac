// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <climits>
#include <cstddef>

// The part of NCCL's binary interface that we use, declared anew: the programs are built where there is no <nccl.h>,
// and meet a library whose version is known at run time only. nccl_abi.cpp compares every value with <nccl.h> where
// there is one.
namespace pst::comm::nccl {

struct Opaque;
using Comm = Opaque*;  ///< ncclComm_t
using Stream = void*;  ///< cudaStream_t
using Result = int;    ///< ncclResult_t, an enum of int's size
using DataType = int;  ///< ncclDataType_t

inline constexpr Result kSuccess = 0;
inline constexpr Result kUnhandledCudaError = 1;
inline constexpr Result kSystemError = 2;
inline constexpr Result kInternalError = 3;
inline constexpr Result kInvalidArgument = 4;
inline constexpr Result kInvalidUsage = 5;
inline constexpr Result kRemoteError = 6;
inline constexpr Result kInProgress = 7;

inline constexpr DataType kInt8 = 0;  ///< everything travels as bytes

struct UniqueId {
  char internal[128] = {};
};

/// ncclConfig_t as 2.18 had it. A library reads `size` bytes and has defaults for what newer versions added.
struct Config {
  std::size_t size = sizeof(Config);
  unsigned int magic = 0xcafebeef;
  unsigned int version = 21800;
  int blocking = 0;  ///< calls return at once: a missing peer can be noticed, and what waits for it be aborted
  int cga_cluster_size = INT_MIN;
  int min_ctas = INT_MIN;
  int max_ctas = INT_MIN;
  const char* net_name = nullptr;
  int split_share = INT_MIN;
};

}  // namespace pst::comm::nccl
