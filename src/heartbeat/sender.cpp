// SPDX-License-Identifier: Apache-2.0
#include "heartbeat/sender.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "heartbeat/private_socket.hpp"
#include "heartbeat/stacks.hpp"

namespace pst::heartbeat {

void end_process(Gone, const std::string& why) {
  const Error error(Fault::transient, why);
  const std::string report = std::string(error.what()) + "\n";
  if (::write(2, report.data(), report.size()) < 0) {
    // Standard error went with the launcher; the supervisor draws its own conclusions.
  }
  ::_exit(exit_status(error.fault()));  // no destructors: other threads may be inside MPI
}

Sender::Sender(SenderSettings settings)
    : settings_(std::move(settings)), parent_(::getppid()), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  heard_at_ = monotonic_seconds();
  // Signals are the main thread's business: blocked here, they are blocked in the thread that starts now.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Sender::~Sender() {
  quit_ = true;
  const std::uint64_t one = 1;
  if (::write(wake_.descriptor(), &one, sizeof one) < 0) {
    // The thread looks at quit_ within a second anyway.
  }
  thread_.join();
  // The last beat: this rank leaves in good order, and its silence is no loss.
  if (socket_ && !ordered_to_die_)
    send_line(socket_, to_line(Beat{.step = step_.load(std::memory_order_relaxed), .phase = Phase::finishing}));
}

void Sender::run() {
  while (!quit_) {
    Gone gone{};
    std::string why;
    if (must_end(gone, why)) return settings_.end(gone, why);
    if (!socket_ && !connect()) {
      pollfd wait{.fd = wake_.descriptor(), .events = POLLIN, .revents = 0};
      ::poll(&wait, 1, static_cast<int>(std::min(0.2, settings_.beat_s) * 1000));
      continue;
    }
    if (!talk()) socket_.close();
  }
}

bool Sender::must_end(Gone& gone, std::string& why) const {
  if (ordered_to_die_) {
    gone = Gone::ordered;
    why = "ended on the supervisor's order: this attempt is over";
  } else if (::getppid() != parent_) {
    gone = Gone::parent;
    why = "the process that started this rank (slurmstepd or mpirun) is gone";
  } else if (const double silent = monotonic_seconds() - heard_at_; silent > settings_.gone_after_s) {
    gone = Gone::supervisor;
    why = cat("the supervisor on ", settings_.endpoint.host, " has not been heard for ", fixed(silent, 0), " s");
  }
  return !why.empty();
}

/// One attempt, at the next address of the list: on a host with several networks only some may be reachable from here.
bool Sender::connect() {
  const auto& addresses = settings_.endpoint.addresses;
  if (addresses.empty()) return false;
  const std::string& address = addresses[next_address_++ % addresses.size()];
  auto socket = is_private(address) ? connect_to_private(address)
                                    : connect_to(address, settings_.endpoint.port, settings_.beat_s);
  if (!socket) return false;
  const Hello hello{.token = settings_.endpoint.token,
                    .attempt = settings_.attempt,
                    .rank = settings_.rank,
                    .pid = ::getpid(),
                    .host = settings_.host};
  if (!send_line(*socket, to_line(hello))) return false;
  socket_ = std::move(*socket);
  incoming_ = {};
  beat_at_ = 0;
  --next_address_;  // this one works: after a loss try it first
  return true;
}

/// Sends a beat when one is due, waits for at most a beat, obeys. @return false when the connection is lost
bool Sender::talk() {
  const double now = monotonic_seconds();
  if (now >= beat_at_) {
    const Beat beat{.step = step_.load(std::memory_order_relaxed), .phase = phase_.load(std::memory_order_relaxed)};
    if (!send_line(socket_, to_line(beat))) return false;
    beat_at_ = now + settings_.beat_s;
  }
  std::array<pollfd, 2> wait = {pollfd{.fd = socket_.descriptor(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = wake_.descriptor(), .events = POLLIN, .revents = 0}};
  ::poll(wait.data(), wait.size(), static_cast<int>(std::max(0.0, beat_at_ - now) * 1000) + 1);
  const auto bytes = receive(socket_);
  if (!bytes) return false;
  const auto lines = incoming_.add(*bytes);
  if (!lines) return false;
  for (const auto& line : *lines) obey(line);
  return true;
}

void Sender::obey(const std::string& line) {
  heard_at_ = monotonic_seconds();
  const auto order = parse_order(line);
  if (!order) return;  // "ok"
  switch (*order) {
    case Order::stop: stop_ = true; break;
    case Order::die: ordered_to_die_ = true; break;
    case Order::stacks: print_main_stack(); break;
  }
}

}  // namespace pst::heartbeat
