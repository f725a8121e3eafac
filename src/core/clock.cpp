// SPDX-License-Identifier: Apache-2.0
#include "core/clock.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace pst {

double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double thread_cpu_seconds() {
  std::timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + 1e-9 * static_cast<double>(spent.tv_nsec);
}

std::string iso_time(double unix_s) {
  const auto whole = static_cast<std::time_t>(std::floor(unix_s));
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  std::array<char, 40> text{};
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  const int ms = static_cast<int>((unix_s - std::floor(unix_s)) * 1000);
  std::snprintf(text.data() + length, text.size() - length, ".%03dZ", ms);
  return text.data();
}

}  // namespace pst
