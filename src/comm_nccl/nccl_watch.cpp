// SPDX-License-Identifier: Apache-2.0
#include "comm_nccl/nccl_watch.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <future>
#include <iostream>

#include "core/clock.hpp"
#include "core/strings.hpp"

namespace pst::comm {
namespace {

using std::chrono::duration;
const char* const kRemedy =
    "the supervisor starts again from the newest checkpoint; if it comes back on the same nodes, leave them out with "
    "slurm.exclude";

void print_and_leave(const Error& error) {
  std::cerr << error.what() << "\n  the main thread did not come back from the GPU: leaving" << std::endl;
  std::_Exit(exit_status(error.fault()));
}

std::string text_or(const char* text, const char* otherwise) {
  return text == nullptr || *text == '\0' ? otherwise : text;
}

}  // namespace

NcclWatch::NcclWatch(NcclApi nccl, CudaApi cuda, int device, std::vector<Peer> peers, int me, NcclOptions options)
    : nccl_(std::move(nccl)),
      cuda_(std::move(cuda)),
      device_(device),
      peers_(std::move(peers)),
      me_(me),
      options_(std::move(options)),
      thread_([this] { look_after(); }) {}

NcclWatch::~NcclWatch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  thread_.join();
  for (const auto& work : works_) cuda_.event_destroy(work.event);
  for (const auto& work : left_) cuda_.event_destroy(work.event);
}

void NcclWatch::adopt(nccl::Comm comm) {
  const std::lock_guard lock(mutex_);
  if (!swept_) return comms_.push_back(comm);
  // Too late for end_groups(), which takes what there is. Of its own, as an abort may wait for the dead.
  std::thread([self = shared_from_this(), comm] {
    self->cuda_.set_device(self->device_);
    self->nccl_.comm_abort(comm);
  }).detach();
}
void NcclWatch::release(nccl::Comm comm) {
  const std::lock_guard lock(mutex_);
  std::erase(comms_, comm);
}
void NcclWatch::begin_operation() {
  throw_if_failed();
  const std::lock_guard lock(mutex_);
  ++begun_;
}

nccl::Result NcclWatch::call(const char* name, const Work& work, const std::function<nccl::Result()>& body) {
  nccl::Result result = nccl::kSuccess;
  {
    const std::lock_guard lock(calls_);
    if (!failing_) result = body();
  }
  throw_if_failed();
  if (result == nccl::kSuccess || result == nccl::kInProgress) return result;
  note_failure(trouble_of(result, name, work.comm), work);
  throw_failure();
}

void NcclWatch::wait_ready(const nccl::Comm& comm, const Work& work) {
  for (;;) {
    throw_if_failed();
    // A split's handle is stored by a thread of NCCL's, when it is complete.
    const nccl::Comm made = __atomic_load_n(&comm, __ATOMIC_ACQUIRE);
    nccl::Result state = nccl::kInProgress;
    if (made != nullptr) call("ncclCommGetAsyncError", work, [&] { return nccl_.comm_get_async_error(made, &state); });
    if (state == nccl::kSuccess) return;
    std::optional<Trouble> trouble;
    if (state != nccl::kInProgress) trouble = trouble_of(state, work.what, made);
    if (!trouble) trouble = ask(work.comm, work.what);
    if (!trouble && overdue(work)) trouble = late(work);
    if (trouble) {
      note_failure(*trouble, work);
      throw_failure();
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

NcclWatch::Token NcclWatch::watch(Work work) {
  const std::lock_guard lock(mutex_);
  return works_.insert(works_.end(), std::move(work));
}

void NcclWatch::wait(Token work) {
  for (int turn = 0;; ++turn) {
    throw_if_failed();
    const CudaApi::Error state = cuda_.event_query(work->event);
    if (state == CudaApi::kSuccess) {
      throw_if_failed();  // an abort lets events come, too
      const std::lock_guard lock(mutex_);
      cuda_.event_destroy(work->event);
      works_.erase(work);
      return;
    }
    if (state != CudaApi::kNotReady) check_cuda(state, "cudaEventQuery");
    if (turn % 64 == 63) {
      if (const auto trouble = ask(work->comm, work->what)) note_failure(*trouble, *work);
      if (overdue(*work)) note_failure(late(*work), *work);
    }
    if (turn < 1000)
      std::this_thread::yield();  // most operations take less than a millisecond
    else
      std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

void NcclWatch::leave(Token work) {
  const std::lock_guard lock(mutex_);
  left_.splice(left_.end(), works_, work);
}

void NcclWatch::check_cuda(CudaApi::Error error, const char* call) {
  if (error == CudaApi::kSuccess) return;
  note_failure(
      {Fault::transient, cat(call, " failed: ", text_or(cuda_.get_error_string(error), "unknown error")), Whose::own},
      {.what = call});
  throw_failure();
}

void NcclWatch::throw_if_failed() {
  if (failing_) throw_failure();
}

NcclWatch::Trouble NcclWatch::trouble_of(nccl::Result result, const std::string& call, nccl::Comm comm) {
  const bool misused = result == nccl::kInvalidArgument || result == nccl::kInvalidUsage;
  const std::string more = text_or(nccl_.get_last_error(comm), "");
  return {
      misused ? Fault::bug : Fault::transient,
      cat(call, " failed: ", text_or(nccl_.get_error_string(result), "unknown error"), more.empty() ? "" : " - ", more),
      misused || result == nccl::kUnhandledCudaError ? Whose::own : Whose::others};
}

/// What NCCL says of a group, if it is bad.
std::optional<NcclWatch::Trouble> NcclWatch::ask(nccl::Comm comm, const std::string& what) {
  nccl::Result state = nccl::kSuccess;
  {
    const std::lock_guard calls(calls_);
    {
      const std::lock_guard lock(mutex_);
      if (failing_ || std::find(comms_.begin(), comms_.end(), comm) == comms_.end()) return std::nullopt;
    }
    const nccl::Result asked = nccl_.comm_get_async_error(comm, &state);
    if (asked != nccl::kSuccess) state = asked;
  }
  if (state == nccl::kSuccess || state == nccl::kInProgress) return std::nullopt;
  return trouble_of(state, what, comm);
}

bool NcclWatch::overdue(const Work& work) {
  return work.deadline_s > 0 && monotonic_seconds() > work.begun + work.deadline_s;
}
NcclWatch::Trouble NcclWatch::late(const Work& work) {
  return {Fault::transient, cat(work.what, " did not end within ", human_seconds(work.deadline_s)), Whose::others};
}

void NcclWatch::note_failure(const Trouble& trouble, const Work& work) {
  if (failing_.exchange(true)) return;
  // Of its own: an abort has been seen to wait for the dead, and neither the main thread nor the watch may.
  std::thread([self = shared_from_this(), trouble, work] { self->end_groups(trouble, work); }).detach();
}

void NcclWatch::end_groups(const Trouble& trouble, const Work& work) {
  const auto done = std::make_shared<std::promise<void>>();
  std::future<void> ended = done->get_future();
  std::thread([self = shared_from_this(), done] {
    const std::unique_lock calls(self->calls_, duration<double>(self->options_.abort_deadline_s / 2));
    std::vector<nccl::Comm> comms;
    {
      const std::lock_guard lock(self->mutex_);
      comms.swap(self->comms_);
      self->swept_ = true;
    }
    self->cuda_.set_device(self->device_);
    for (const nccl::Comm comm : comms) self->nccl_.comm_abort(comm);
    done->set_value();
  }).detach();

  std::int64_t begun = 0;
  {
    const std::lock_guard lock(mutex_);
    begun = begun_;
  }
  std::vector<RollCallNote> notes;
  const RollCallNote mine{me_, begun, trouble.whose == Whose::own ? trouble.text : ""};
  if (!options_.roll_call.empty())
    notes = call_roll(options_.roll_call, mine, static_cast<int>(peers_.size()), options_.roll_call_s);

  std::string text = trouble.text;
  if (trouble.whose == Whose::others) text += cat("; ", blame(peers_, me_, notes, work.awaited, trouble.text));
  if (ended.wait_for(duration<double>(options_.abort_deadline_s)) != std::future_status::ready)
    text += cat("; NCCL did not let go of the group within ", human_seconds(options_.abort_deadline_s));
  const std::lock_guard lock(mutex_);
  failure_.emplace(trouble.fault, text, trouble.fault == Fault::bug ? "" : kRemedy);
  failed_at_ = monotonic_seconds();
  changed_.notify_all();
}

void NcclWatch::throw_failure() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_.has_value(); });  // its parts have deadlines
  throw Error(*failure_);
}

/// Forgets what is done and nobody waits for. @return what has been under way for too long, if anything has
std::optional<NcclWatch::Work> NcclWatch::sort_works() {
  const auto under_way = [&](const Work& work) { return cuda_.event_query(work.event) == CudaApi::kNotReady; };
  for (auto work = left_.begin(); work != left_.end();) {
    if (under_way(*work)) {
      ++work;
      continue;
    }
    cuda_.event_destroy(work->event);
    work = left_.erase(work);
  }
  for (const auto* const works : {&works_, &left_})
    for (const auto& work : *works)
      if (overdue(work) && under_way(work)) return work;
  return std::nullopt;
}

void NcclWatch::look_after() {
  cuda_.set_device(device_);
  std::vector<int> others;
  for (int rank = 0; rank < static_cast<int>(peers_.size()); ++rank)
    if (rank != me_) others.push_back(rank);
  const Work any{.what = "a group of ranks", .awaited = others};
  double roll_looked_at = monotonic_seconds();
  bool spoke = false;
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool busy = !works_.empty() || !left_.empty();
    changed_.wait_for(lock, std::chrono::milliseconds(busy ? 20 : 100), [&] { return ending_; });
    if (ending_) return;
    if (failing_) {
      if (!failure_ || spoke || monotonic_seconds() < failed_at_ + options_.grace_s) continue;
      spoke = true;
      const Error error = *failure_;
      lock.unlock();
      options_.last_words ? options_.last_words(error) : print_and_leave(error);
      lock.lock();
      continue;
    }
    const auto too_long = sort_works();
    const std::vector<nccl::Comm> comms = comms_;
    lock.unlock();
    if (too_long) note_failure(late(*too_long), *too_long);
    for (const nccl::Comm comm : comms)
      if (const auto trouble = ask(comm, any.what)) note_failure(*trouble, any);
    if (monotonic_seconds() > roll_looked_at + 0.25) {
      roll_looked_at = monotonic_seconds();
      if (!failing_ && roll_was_called(options_.roll_call))
        note_failure({Fault::transient, "another rank gave the group up", Whose::others}, any);
    }
    lock.lock();
  }
}

}  // namespace pst::comm
