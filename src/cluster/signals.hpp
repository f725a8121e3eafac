// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <signal.h>

#include <initializer_list>
#include <optional>

namespace pst::cluster {

/// Takes signals one by one, in the open, instead of in a handler: blocks them for its lifetime and waits for them.
/// One that was ignored when the program started (nohup, a shell's background job) stays ignored.
class SignalQueue {
 public:
  explicit SignalQueue(std::initializer_list<int> signals);
  ~SignalQueue();
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  /// The next signal; nothing when none came within `timeout_s`.
  std::optional<int> wait(double timeout_s);

 private:
  sigset_t waited_, before_;
};

/// What a message calls it: "SIGTERM".
const char* signal_name(int signal);

}  // namespace pst::cluster
