// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "cluster/capture.hpp"

namespace pst::monitor {

/// Delivers messages one after the other on a thread of its own: whoever posts goes on at once. A program that fails or
/// takes too long is told to `on_failure`, and harms nothing else.
class Courier {
 public:
  static constexpr std::size_t kWaiting = 100;  ///< messages; further ones fail at once

  /// @param on_failure  what could not be delivered ("webhook of no-progress"), and why. Called from any thread
  explicit Courier(std::function<void(const std::string& what, const std::string& why)> on_failure);
  ~Courier();  ///< what is still waiting has failed

  /// @param command  with its timeout
  void post(std::string what, cluster::Command command);
  /// Waits until all is delivered, `within_s` at most; from now on no delivery takes longer than what is left of it.
  void finish(double within_s);

 private:
  struct Parcel {
    std::string what;
    cluster::Command command;
  };
  void run();
  void deliver(Parcel& parcel);

  std::function<void(const std::string&, const std::string&)> on_failure_;
  std::mutex mutex_;
  std::condition_variable changed_, drained_;
  std::deque<Parcel> queue_;
  bool busy_ = false, stopping_ = false;
  double deadline_ = 0;  ///< monotonic; 0: none yet
  std::thread thread_;
};

}  // namespace pst::monitor
