// SPDX-License-Identifier: Apache-2.0
#include "cluster/signals.hpp"

#include <algorithm>
#include <cmath>

namespace pst::cluster {

SignalQueue::SignalQueue(std::initializer_list<int> signals) {
  ::sigemptyset(&waited_);
  for (const int signal : signals) {
    struct sigaction now {};
    ::sigaction(signal, nullptr, &now);
    if (now.sa_handler != SIG_IGN) ::sigaddset(&waited_, signal);
  }
  ::sigprocmask(SIG_BLOCK, &waited_, &before_);
}

SignalQueue::~SignalQueue() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

std::optional<int> SignalQueue::wait(double timeout_s) {
  const double whole = std::floor(std::max(timeout_s, 0.0));
  const timespec timeout = {static_cast<time_t>(whole), static_cast<long>((std::max(timeout_s, 0.0) - whole) * 1e9)};
  const int signal = ::sigtimedwait(&waited_, nullptr, &timeout);
  return signal > 0 ? std::optional(signal) : std::nullopt;
}

const char* signal_name(int signal) {
  switch (signal) {
    case SIGINT: return "SIGINT";
    case SIGTERM: return "SIGTERM";
    case SIGHUP: return "SIGHUP";
    case SIGUSR2: return "SIGUSR2";
    case SIGKILL: return "SIGKILL";
    case SIGSEGV: return "SIGSEGV";
    case SIGABRT: return "SIGABRT";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    default: return "a signal";
  }
}

}  // namespace pst::cluster
