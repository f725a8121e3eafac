// SPDX-License-Identifier: Apache-2.0
#pragma once
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace pst::comm {

/// Lets operations that were begun go on while the caller computes. MPI moves data only inside its own calls, so a
/// thread asks for each of them now and then. All MPI calls of the process are made under one mutex
/// (MPI_THREAD_SERIALIZED), so that this thread and the caller's are never in MPI at once.
class MpiProgress {
 public:
  /// @param threaded  whether MPI allows a second thread; if not, data moves inside wait() only
  explicit MpiProgress(bool threaded) : threaded_(threaded) {}
  ~MpiProgress();
  MpiProgress(const MpiProgress&) = delete;
  MpiProgress& operator=(const MpiProgress&) = delete;

  std::mutex& calls() { return calls_; }  ///< held during every MPI call

  struct Operation {
    MPI_Request request = MPI_REQUEST_NULL;
    bool over = false;
    int status = MPI_SUCCESS;
  };
  /// Takes over a request that was just started (under calls()).
  std::shared_ptr<Operation> follow(MPI_Request request);
  /// Returns MPI's status of the operation when it is over.
  int wait(Operation& operation);

 private:
  void run();

  const bool threaded_;
  std::mutex calls_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Operation>> open_;
  bool ending_ = false;
  std::thread thread_;  // from the first operation on
};

}  // namespace pst::comm
