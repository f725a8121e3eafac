// SPDX-License-Identifier: Apache-2.0
#include "heartbeat/stacks.hpp"

#include <execinfo.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

namespace pst::heartbeat {
namespace {

constexpr int kMaxFrames = 64;

std::atomic<bool> prepared{false};  // a signal handler belongs to the process, and so does this

/// A real-time signal: USR1 and USR2 have other users (NCCL, Slurm).
int stack_signal() { return SIGRTMIN + 5; }

void print_here(int) {
  const int before = errno;
  std::array<void*, kMaxFrames> frames;
  const int count = ::backtrace(frames.data(), kMaxFrames);
  constexpr char kTitle[] = "stack of the main thread, on the supervisor's order:\n";
  if (::write(2, kTitle, sizeof kTitle - 1) > 0) ::backtrace_symbols_fd(frames.data(), count, 2);
  errno = before;
}

}  // namespace

void prepare_stacks() {
  std::array<void*, 1> frame;
  ::backtrace(frame.data(), 1);  // the first call loads a library, which a handler must not do
  struct sigaction action {};
  action.sa_handler = print_here;
  action.sa_flags = SA_RESTART;
  prepared = ::sigaction(stack_signal(), &action, nullptr) == 0;
}

void print_main_stack() {
  if (!prepared) return;  // without its handler the signal would end the process
  ::syscall(SYS_tgkill, ::getpid(), ::getpid(), stack_signal());  // the main thread's number is the process's
}

}  // namespace pst::heartbeat
