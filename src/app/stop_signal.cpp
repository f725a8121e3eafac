// SPDX-License-Identifier: Apache-2.0
#include "app/stop_signal.hpp"

#include <csignal>

namespace pst::app {
namespace {

volatile std::sig_atomic_t latest = 0;
void note(int number) { latest = number; }

}  // namespace

void listen_for_stop() {
  struct sigaction action {};
  action.sa_handler = note;
  for (const int number : {SIGTERM, SIGUSR2, SIGINT}) ::sigaction(number, &action, nullptr);
}

int stop_signal() { return latest; }

}  // namespace pst::app
