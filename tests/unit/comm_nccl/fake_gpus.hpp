// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "comm_nccl/cuda_api.hpp"
#include "comm_nccl/nccl_api.hpp"

namespace pst::comm::fixture {

/// GPUs and NCCL as far as a communicator sees them: host memory plays a GPU's, an operation is done when every rank of
/// its group has queued it, events tell that. Ranks are threads. What a real network does by itself it does when told.
class FakeGpus : public std::enable_shared_from_this<FakeGpus> {
 public:
  NcclApi nccl(int rank);
  CudaApi cuda();

  std::atomic<int> version = 22809;
  std::atomic<double> abort_takes_s = 0;
  std::atomic<double> split_takes_s = 0;  ///< until a thread of NCCL's stores the new handle
  std::atomic<bool> one_gpu = false;      ///< for all ranks
  /// From now on NCCL reports this error for every group, as it does when a connection to a peer breaks.
  void report(nccl::Result error, std::string message);

  std::atomic<int> aborts = 0, alive = 0;  ///< groups aborted; made and neither destroyed nor aborted
  std::atomic<int> misused = 0;            ///< calls with a group that was aborted or destroyed before
  std::atomic<int> events = 0;             ///< made and not destroyed
  std::atomic<int> asked_for = 0;          ///< bus addresses

 private:
  struct Op {
    bool done = false;
    nccl::Comm comm = nullptr;
  };
  using Queue = std::vector<std::shared_ptr<Op>>;
  struct Part {  // of a rank in a collective operation
    const void* from;
    void* to;
    std::shared_ptr<Op> op;
  };
  struct Split {
    int color;
    nccl::Comm* place;
  };
  struct Group {
    int size = 0, arrived = 0;
    std::map<std::int64_t, std::map<int, Part>> collectives;
    std::map<std::int64_t, std::map<int, Split>> splits;
    struct Mail {
      const void* data;
      std::shared_ptr<Op> op;
    };
    std::map<std::pair<int, int>, std::vector<Mail>> sent;
    std::map<std::pair<int, int>, std::vector<Part>> wanted;
  };
  struct Handle {
    std::shared_ptr<Group> group;
    int rank = 0;
    std::int64_t turn = 0, split_turn = 0;
    int busy = 0;  // times that it still says "in progress"
    bool gone = false;
  };

  nccl::Comm make_handle(std::shared_ptr<Group> group, int rank);
  Handle* use(nccl::Comm comm);
  nccl::Result collective(nccl::Comm comm, const void* from, void* to, nccl::Stream stream,
                          const std::function<void(std::map<int, Part>&)>& body);
  std::shared_ptr<Op> queue(nccl::Comm comm, nccl::Stream stream);
  static void match(Group& group, std::pair<int, int> way, std::size_t bytes);

  std::recursive_mutex mutex_;
  std::map<std::string, std::shared_ptr<Group>> by_id_;
  std::map<nccl::Comm, Handle> handles_;
  std::map<std::pair<int, nccl::Stream>, Queue> streams_;  // of a thread: every rank has its own GPU
  std::map<CudaApi::Event, Queue> recorded_;
  std::intptr_t next_ = 0x1000;
  nccl::Result error_ = nccl::kSuccess;
  std::string message_;
};

}  // namespace pst::comm::fixture
