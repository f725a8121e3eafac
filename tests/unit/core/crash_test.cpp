// SPDX-License-Identifier: Apache-2.0
#include "core/crash.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::KilledBySignal;

namespace pst {
namespace {

using Function = int (*)(int);
Function volatile missing = nullptr;  // or the compiler knows what is called

[[gnu::noinline]] int call_what_is_missing() { return missing(1) + 1; }
[[gnu::noinline]] int use_up_the_stack(int depth) {
  volatile char room[4096];
  room[0] = static_cast<char>(depth);
  if (depth == 1 << 30) return 0;
  return use_up_the_stack(depth + 1) + room[0];
}

TEST(Crash, OfACallThroughANullPointerShowsWhoCalled) {
  EXPECT_EXIT(
      {
        tell_of_crashes();
        call_what_is_missing();
      },
      KilledBySignal(SIGSEGV),
      AllOf(HasSubstr("crash: SIGSEGV at address 0x0, in the main thread; its stack:\n"),
            HasSubstr("no code at that address"), ContainsRegex("core_test.*\n.*core_test.*\n.*core_test")));
}

TEST(Crash, InAnotherThreadSaysSo) {
  EXPECT_EXIT(
      {
        tell_of_crashes();
        std::thread([] { std::abort(); }).join();
      },
      KilledBySignal(SIGABRT), ContainsRegex("crash: SIGABRT, in thread [0-9]+; its stack:\n"));
}

TEST(Crash, FromOutsideEndsTheProcessToo) {
  EXPECT_EXIT(
      {
        tell_of_crashes();
        ::kill(::getpid(), SIGSEGV);
        ::pause();
      },
      KilledBySignal(SIGSEGV), HasSubstr("crash: SIGSEGV, in the main thread"));
}

TEST(Crash, HasAStackOfItsOwn) {
  EXPECT_EXIT(
      {
        tell_of_crashes();
        std::exit(use_up_the_stack(0));
      },
      KilledBySignal(SIGSEGV), HasSubstr("crash: SIGSEGV at address"));
}

}  // namespace
}  // namespace pst
