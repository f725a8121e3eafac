// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "comm_nccl/cuda_api.hpp"
#include "comm_nccl/nccl_api.hpp"
#include "comm_nccl/survivors.hpp"
#include "core/error.hpp"

namespace pst::comm {

struct NcclOptions {
  double init_deadline_s = 180;       ///< for making a group
  double operation_deadline_s = 600;  ///< from queueing an operation to its end: the slowest rank's step is in it
  double abort_deadline_s = 10;       ///< for NCCL to let go of a failed group
  double grace_s = 30;     ///< from a failure to the forced end of a process whose main thread does not hear of it
  double roll_call_s = 3;  ///< for other ranks to answer
  std::filesystem::path
      roll_call;  ///< a folder that all ranks see and that is new with every start; empty: no roll call
  std::function<void*()> stream = [] {
    return nullptr;
  };  ///< the cudaStream_t that the caller queues kernels on at the moment
  std::function<void(const std::string&)> warn = [](const std::string&) {};
  /// Called when the process has to end though its main thread is stuck, on a GPU say. Prints and leaves with the
  /// error's status; tests have another.
  std::function<void(const Error&)> last_words;
};

/// What the groups of one process have in common: their handles, what is under way in them, and the thread that looks
/// after both. Once something failed, every group is aborted - NCCL's abort of one reaches no other - and stays failed.
/// Main thread and this one's never call NCCL at once. Held by shared_ptr.
class NcclWatch : public std::enable_shared_from_this<NcclWatch> {
 public:
  NcclWatch(NcclApi nccl, CudaApi cuda, int device, std::vector<Peer> peers, int me, NcclOptions options);
  ~NcclWatch();
  NcclWatch(const NcclWatch&) = delete;
  NcclWatch& operator=(const NcclWatch&) = delete;

  const NcclApi& nccl() const { return nccl_; }
  const CudaApi& cuda() const { return cuda_; }
  const NcclOptions& options() const { return options_; }
  const std::vector<Peer>& peers() const { return peers_; }
  int me() const { return me_; }

  /// An operation: what it is, whom it needs, and the event that ends it.
  struct Work {
    nccl::Comm comm = nullptr;
    std::string what;
    std::vector<int> awaited;        ///< world's ranks without this one
    CudaApi::Event event = nullptr;  ///< its own: destroyed with the work
    double begun = 0, deadline_s = 0;
  };
  using Token = std::list<Work>::iterator;

  void adopt(nccl::Comm comm);    ///< aborted with the rest when it comes to that, at once when it has
  void release(nccl::Comm comm);  ///< its owner ends it in peace
  void begin_operation();         ///< counts: the roll call tells who is how far

  /// Makes a call to NCCL. @return in progress or success @throws Error: the call's own, or the group has failed before
  nccl::Result call(const char* name, const Work& work, const std::function<nccl::Result()>& body);
  /// Waits until NCCL is no longer at work with `comm` (making it, splitting it, queueing). @throws Error
  void wait_ready(const nccl::Comm& comm, const Work& work);

  Token watch(Work work);  ///< the thread looks after it from now on
  void wait(Token work);   ///< until its event has come; forgets it. @throws Error(transient)
  void leave(Token work);  ///< nobody waits here; the thread forgets it when its event has come
  void check_cuda(CudaApi::Error error, const char* call);  ///< @throws Error(transient): what the GPU said
  void throw_if_failed();
  bool failed() const { return failing_; }

 private:
  enum class Whose { own, others };
  struct Trouble {
    Fault fault;
    std::string text;
    Whose whose;
  };
  Trouble trouble_of(nccl::Result result, const std::string& call, nccl::Comm comm);
  std::optional<Trouble> ask(nccl::Comm comm, const std::string& what);
  static bool overdue(const Work& work);
  static Trouble late(const Work& work);
  void note_failure(const Trouble& trouble, const Work& work);
  void end_groups(const Trouble& trouble, const Work& work);
  [[noreturn]] void throw_failure();
  void look_after();
  std::optional<Work> sort_works();

  const NcclApi nccl_;
  const CudaApi cuda_;
  const int device_;
  const std::vector<Peer> peers_;
  const int me_;
  const NcclOptions options_;

  std::timed_mutex calls_;  // held during a call that names a communicator, so that none is aborted under its caller
  std::mutex mutex_;        // of all below
  std::condition_variable changed_;
  std::vector<nccl::Comm> comms_;
  bool swept_ = false;            // end_groups() has taken them
  std::list<Work> works_, left_;  // that the main thread waits for; that nobody waits for
  std::int64_t begun_ = 0;
  std::atomic<bool> failing_ = false;
  std::optional<Error> failure_;  // complete: groups aborted, roll called
  double failed_at_ = 0;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace pst::comm
