// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <string>

#include "comm_nccl/nccl_types.hpp"

namespace pst::comm {

/// The calls of NCCL that we make. Nothing links NCCL: the table is filled from the library at run time, or by a test
/// with a network that fails as it likes.
struct NcclApi {
  std::function<nccl::Result(int* version)> get_version;
  std::function<nccl::Result(nccl::UniqueId*)> get_unique_id;
  std::function<nccl::Result(nccl::Comm*, int ranks, nccl::UniqueId, int rank, nccl::Config*)> comm_init_rank_config;
  std::function<nccl::Result(nccl::Comm, int color, int key, nccl::Comm*, nccl::Config*)> comm_split;
  std::function<nccl::Result(nccl::Comm)> comm_finalize;
  std::function<nccl::Result(nccl::Comm)> comm_destroy;
  std::function<nccl::Result(nccl::Comm)> comm_abort;
  std::function<nccl::Result(nccl::Comm, nccl::Result* state)> comm_get_async_error;
  std::function<const char*(nccl::Result)> get_error_string;
  std::function<const char*(nccl::Comm)> get_last_error;  ///< for people; of this thread's last failure
  std::function<nccl::Result(const void* from, void* to, std::size_t count, nccl::DataType, int root, nccl::Comm,
                             nccl::Stream)>
      broadcast;
  std::function<nccl::Result(const void* from, void* to, std::size_t count, nccl::DataType, nccl::Comm, nccl::Stream)>
      all_gather;
  std::function<nccl::Result(const void* from, std::size_t count, nccl::DataType, int peer, nccl::Comm, nccl::Stream)>
      send;
  std::function<nccl::Result(void* to, std::size_t count, nccl::DataType, int peer, nccl::Comm, nccl::Stream)> receive;
  std::function<nccl::Result()> group_start;
  std::function<nccl::Result()> group_end;
};

/// The functions of a library: $PST_NCCL_LIBRARY, or libnccl.so.2 - that is the one that libtorch's CUDA part brought
/// along where it is loaded. @param library  a path or a name, for tests
/// @throws Error(unfit) with the remedy: not there, not NCCL, or a version that we cannot use
NcclApi load_nccl(const std::string& library = {});

/// What is to be said of a version (22809 is 2.28.9). Empty: nothing.
/// @throws Error(unfit) below 2.18, which has no ncclCommSplit, and from 3 on
std::string check_nccl_version(int version);
std::string nccl_version_text(int version);  ///< "2.28.9"

}  // namespace pst::comm
