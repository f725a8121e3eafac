// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "comm/communicator.hpp"

namespace pst::comm {

/// MPI from initialisation to the end of the object. One per process. A process that no launcher started is a group of
/// its own, without MPI.
class MpiSession {
 public:
  /// @throws Error(usage) when the launcher promised another number of ranks than MPI sees (SLURM_STEP_NUM_TASKS,
  ///         PST_RANKS): the classic silent accident of N programs that each believe to be alone. Open MPI 4 would not
  ///         even come that far but abort with a page of text, so ranks without a meeting point are refused before MPI
  ///         is asked
  MpiSession();
  ~MpiSession();  ///< finalises, unless an exception is under way: then peers are aborted, never waited for
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  Communicator& world() { return *world_; }
  /// Rank within this machine and how many ranks it holds.
  int local_rank() const { return local_rank_; }
  int local_size() const { return local_size_; }
  int node_root() const { return node_root_; }  ///< world's rank of this machine's first

  /// Ends every rank of the job with `status`. Does not return.
  [[noreturn]] void abort(int status);

 private:
  std::unique_ptr<Communicator> world_;
  int local_rank_ = 0, local_size_ = 1, node_root_ = 0;
};

std::string mpi_library();  ///< "Open MPI v4.1.4"

using Getenv = const char* (*)(const char*);  ///< tests bring their own

/// What the launcher's environment says about the number of ranks; 0 when it says nothing.
int promised_ranks(Getenv getenv);
/// Whether the launcher told this process where to meet the others (PMIx, PMI, or Open MPI's mpirun).
bool has_meeting_point(Getenv getenv);

}  // namespace pst::comm
