// SPDX-License-Identifier: Apache-2.0
#include "core/crash.hpp"

#include <execinfo.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

// Everything here runs in a signal handler: no memory, no locks, no stdio.
namespace pst {
namespace {

constexpr int kMaxFrames = 64;
std::array<char, 1 << 16> handler_stack;  // for a main thread that has used up its own

void say(const char* text) {
  if (::write(2, text, std::strlen(text)) < 0) return;  // there is nobody else to tell
}

void say_number(std::uint64_t value, unsigned base) {
  std::array<char, 24> text{};
  std::size_t at = text.size() - 1;
  do {
    text[--at] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value > 0);
  say(text.data() + at);
}

const char* name_of(int signal) {
  switch (signal) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGILL: return "SIGILL";
    case SIGFPE: return "SIGFPE";
    case SIGABRT: return "SIGABRT";
    default: return "a signal";
  }
}

/// After a jump to where no code is, nothing can be unwound from there: puts the context back to its caller.
class AtTheCaller {
 public:
  explicit AtTheCaller([[maybe_unused]] ucontext_t& context, [[maybe_unused]] const void* fault_address)
      : context_(context) {
#if defined(__x86_64__)
    auto& registers = context.uc_mcontext.gregs;
    pc_ = registers[REG_RIP];
    if (pc_ != reinterpret_cast<greg_t>(fault_address)) return;
    moved_ = true;
    std::memcpy(&registers[REG_RIP], reinterpret_cast<const void*>(registers[REG_RSP]), sizeof registers[REG_RIP]);
    registers[REG_RSP] += 8;
#elif defined(__aarch64__)
    pc_ = static_cast<long long>(context.uc_mcontext.pc);
    if (pc_ != reinterpret_cast<long long>(fault_address)) return;
    moved_ = true;
    context.uc_mcontext.pc = context.uc_mcontext.regs[30];
#endif
  }
  ~AtTheCaller() {
    if (!moved_) return;
#if defined(__x86_64__)
    context_.uc_mcontext.gregs[REG_RIP] = pc_;
    context_.uc_mcontext.gregs[REG_RSP] -= 8;
#elif defined(__aarch64__)
    context_.uc_mcontext.pc = static_cast<std::uint64_t>(pc_);
#endif
  }
  AtTheCaller(const AtTheCaller&) = delete;
  AtTheCaller& operator=(const AtTheCaller&) = delete;
  bool moved() const { return moved_; }

 private:
  ucontext_t& context_;
  long long pc_ = 0;
  bool moved_ = false;
};

void last_words(int signal, siginfo_t* info, void* context) {
  const bool has_address = signal != SIGABRT && info->si_code > 0;
  say("crash: ");
  say(name_of(signal));
  if (has_address) {
    say(" at address 0x");
    say_number(reinterpret_cast<std::uint64_t>(info->si_addr), 16);
  }
  const auto thread = ::syscall(SYS_gettid);
  say(thread == ::getpid() ? ", in the main thread" : ", in thread ");
  if (thread != ::getpid()) say_number(static_cast<std::uint64_t>(thread), 10);
  say("; its stack:\n");
  {
    const AtTheCaller at_the_caller(*static_cast<ucontext_t*>(context), has_address ? info->si_addr : context);
    if (at_the_caller.moved()) say("(there is no code at that address; what called it comes after this handler)\n");
    std::array<void*, kMaxFrames> frames;
    ::backtrace_symbols_fd(frames.data(), ::backtrace(frames.data(), kMaxFrames), 2);
  }
  ::raise(signal);  // the action is the default one again; it is done when this handler returns
}

}  // namespace

void tell_of_crashes() {
  std::array<void*, 1> frame;
  ::backtrace(frame.data(), 1);  // the first call loads a library, which a handler must not do
  stack_t stack{};
  stack.ss_sp = handler_stack.data();
  stack.ss_size = handler_stack.size();
  ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = last_words;
  action.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND);
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) ::sigaction(signal, &action, nullptr);
}

}  // namespace pst
