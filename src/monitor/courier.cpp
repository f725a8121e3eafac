// SPDX-License-Identifier: Apache-2.0
#include "monitor/courier.hpp"

#include <algorithm>
#include <chrono>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::monitor {

Courier::Courier(std::function<void(const std::string&, const std::string&)> on_failure)
    : on_failure_(std::move(on_failure)), thread_([this] { run(); }) {}

Courier::~Courier() {
  std::deque<Parcel> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(queue_);
  }
  changed_.notify_all();
  thread_.join();
  for (const auto& parcel : left) on_failure_(parcel.what, "the run's end left no time for it");
}

void Courier::post(std::string what, cluster::Command command) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() < kWaiting) {
      queue_.push_back({std::move(what), std::move(command)});
      changed_.notify_one();
      return;
    }
  }
  on_failure_(what, cat(kWaiting, " messages are waiting already"));
}

void Courier::finish(double within_s) {
  std::unique_lock lock(mutex_);
  deadline_ = monotonic_seconds() + within_s;
  drained_.wait_for(lock, std::chrono::duration<double>(within_s), [&] { return queue_.empty() && !busy_; });
}

void Courier::run() {
  for (;;) {
    Parcel parcel;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      parcel = std::move(queue_.front());
      queue_.pop_front();
      busy_ = true;
      if (deadline_ > 0)
        parcel.command.timeout_s = std::clamp(deadline_ - monotonic_seconds(), 0.1, parcel.command.timeout_s);
    }
    deliver(parcel);
    const std::lock_guard lock(mutex_);
    busy_ = false;
    if (queue_.empty()) drained_.notify_all();
  }
}

void Courier::deliver(Parcel& parcel) {
  try {
    const auto answer = cluster::capture(parcel.command);
    if (answer.status != 0)
      on_failure_(parcel.what, cat(parcel.command.argv.front(), " ended with ", answer.status, ": ", answer.words()));
  } catch (const Error& error) {
    on_failure_(parcel.what, error.message());
  }
}

}  // namespace pst::monitor
