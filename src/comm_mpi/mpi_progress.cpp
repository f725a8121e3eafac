// SPDX-License-Identifier: Apache-2.0
#include "comm_mpi/mpi_progress.hpp"

#include <chrono>

namespace pst::comm {
namespace {

/// Between two looks. A look costs about a microsecond, a layer's weights take milliseconds.
constexpr auto kPause = std::chrono::microseconds(200);

void look(MpiProgress::Operation& operation) {
  if (operation.over) return;
  int flag = 0;
  operation.status = MPI_Test(&operation.request, &flag, MPI_STATUS_IGNORE);
  operation.over = flag != 0 || operation.status != MPI_SUCCESS;
}

}  // namespace

MpiProgress::~MpiProgress() {
  {
    const std::lock_guard lock(calls_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<MpiProgress::Operation> MpiProgress::follow(MPI_Request request) {
  const auto operation = std::make_shared<Operation>();
  operation->request = request;
  if (!threaded_) return operation;
  open_.push_back(operation);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_all();
  return operation;
}

int MpiProgress::wait(Operation& operation) {
  const std::lock_guard lock(calls_);
  if (!operation.over) {
    operation.status = MPI_Wait(&operation.request, MPI_STATUS_IGNORE);
    operation.over = true;
  }
  return operation.status;
}

void MpiProgress::run() {
  std::unique_lock lock(calls_);
  while (!ending_) {
    changed_.wait(lock, [&] { return ending_ || !open_.empty(); });
    if (ending_) return;
    for (const auto& operation : open_) look(*operation);
    std::erase_if(open_, [](const auto& operation) { return operation->over; });
    lock.unlock();
    std::this_thread::sleep_for(kPause);
    lock.lock();
  }
}

}  // namespace pst::comm
