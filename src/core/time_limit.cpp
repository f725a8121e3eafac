// SPDX-License-Identifier: Apache-2.0
#include "core/time_limit.hpp"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst {
namespace {

constexpr Fault kFault = Fault::transient;
char last_words[1024];
std::size_t size_of_last_words = 0;

/// In a signal handler: the text was made before.
void end_now(int) {
  if (::write(2, last_words, size_of_last_words) < 0) {
    // There is nobody to tell.
  }
  ::_exit(exit_status(kFault));
}

}  // namespace

void end_after(double seconds, const std::string& what, const std::string& remedy) {
  if (seconds <= 0) return;
  const std::string text = cat("\n", Error(kFault, what, remedy).what(), "\n");
  size_of_last_words = std::min(text.size(), sizeof last_words);
  std::memcpy(last_words, text.data(), size_of_last_words);
  struct sigaction action {};
  action.sa_handler = end_now;
  ::sigaction(SIGALRM, &action, nullptr);
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(seconds);
  timer.it_value.tv_usec = static_cast<suseconds_t>((seconds - std::floor(seconds)) * 1e6);
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace pst
