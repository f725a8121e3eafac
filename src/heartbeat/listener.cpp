// SPDX-License-Identifier: Apache-2.0
#include "heartbeat/listener.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "core/clock.hpp"
#include "heartbeat/strangers.hpp"

namespace pst::heartbeat {
namespace {

constexpr std::size_t kMaxStrangers = 256;  ///< connections that have not said hello
constexpr int kMaxAtOnce = 256;             ///< accepted before the ranks are heard again
constexpr double kHelloWithin_s = 5;
constexpr int kLook_ms = 200;

std::string line_of(Order order) { return std::string(name_of(order)) + "\n"; }

}  // namespace

Listener::Listener(Reach reach, std::string host, const std::filesystem::path& folder)
    : private_(reach == Reach::this_user ? PrivateSocket::listen_in(folder) : std::nullopt),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (private_)
    endpoint_.addresses = {private_->address()};
  else
    open_port(reach);
  endpoint_.host = std::move(host);
  endpoint_.token = new_token();
  sigset_t all, before;  // signals are for the supervisor's SignalQueue, not for this thread
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Listener::~Listener() {
  quit_ = true;
  const std::uint64_t one = 1;
  if (::write(wake_.descriptor(), &one, sizeof one) < 0) {
    // The thread looks at quit_ at every turn.
  }
  thread_.join();
}

void Listener::open_port(Reach reach) {
  port_ = listen_somewhere(reach, endpoint_.port);
  endpoint_.addresses = own_addresses(reach);
}

void Listener::begin(int attempt, int ranks) {
  make_room_for(static_cast<std::size_t>(ranks));
  const std::lock_guard lock(mutex_);
  attempt_ = attempt;
  ranks_.assign(static_cast<std::size_t>(ranks), {});
  standing_order_.reset();
  for (auto& connection : connections_)
    if (connection.hello && connection.hello->rank != kWatcher && connection.hello->attempt != attempt)
      send_line(connection.socket, line_of(Order::die));
}

void Listener::order(Order order) {
  const std::lock_guard lock(mutex_);
  if (order != Order::stacks) standing_order_ = order;
  for (auto& connection : connections_)
    if (signs_of(connection)) send_line(connection.socket, line_of(order));
}

std::vector<RankSigns> Listener::ranks() const {
  const std::lock_guard lock(mutex_);
  return ranks_;
}

WatcherSigns Listener::watcher() const {
  const std::lock_guard lock(mutex_);
  return watcher_;
}

/// The rank that `connection` speaks for; null for a stranger, a watcher, an older attempt.
RankSigns* Listener::signs_of(const Connection& connection) {
  if (!connection.hello || connection.hello->attempt != attempt_) return nullptr;
  const int rank = connection.hello->rank;
  return rank >= 0 && rank < static_cast<int>(ranks_.size()) ? &ranks_[static_cast<std::size_t>(rank)] : nullptr;
}

void Listener::run() {
  std::vector<pollfd> waits;
  while (!quit_) {
    waits.assign({{.fd = entrance().descriptor(), .events = POLLIN, .revents = 0},
                  {.fd = wake_.descriptor(), .events = POLLIN, .revents = 0}});
    // Only this thread adds and removes connections, so the list may be walked without the lock.
    for (const auto& connection : connections_)
      waits.push_back({.fd = connection.socket.descriptor(), .events = POLLIN, .revents = 0});
    ::poll(waits.data(), waits.size(), kLook_ms);

    const std::lock_guard lock(mutex_);
    std::size_t at = 2;
    for (auto& connection : connections_)
      if (waits[at++].revents != 0 && connection.socket) hear(connection);
    const double now = monotonic_seconds();
    for (auto& connection : connections_)
      if (connection.socket && !connection.hello && now - connection.since > kHelloWithin_s) connection.socket.close();
    connections_.remove_if([](const Connection& connection) { return !connection.socket; });
    if (waits[0].revents != 0) accept_new();
  }
}

void Listener::accept_new() {
  const std::size_t most = room_for_strangers(ranks_.size() + 1, kMaxStrangers);
  for (int i = 0; i < kMaxAtOnce; ++i) {
    bool out_of_files = false;
    auto accepted = accept_from(entrance(), out_of_files);
    if (!accepted && !(out_of_files && send_a_stranger_away())) return;
    if (!accepted) continue;
    connections_.push_back({.socket = std::move(accepted->socket),
                            .incoming = {},
                            .hello = {},
                            .network = std::move(accepted->network),
                            .since = monotonic_seconds()});
    hear(connections_.back());  // a rank's hello is there already, and makes it none of the strangers
    connections_.remove_if([](const Connection& connection) { return !connection.socket; });
    const auto strangers = static_cast<std::size_t>(
        std::count_if(connections_.begin(), connections_.end(), [](const auto& c) { return !c.hello; }));
    if (strangers > most) send_a_stranger_away();
  }
}

/// @return false when there is none
bool Listener::send_a_stranger_away() {
  std::vector<Stranger> strangers;
  std::vector<std::list<Connection>::iterator> places;
  for (auto at = connections_.begin(); at != connections_.end(); ++at)
    if (!at->hello) {
      strangers.push_back({at->network, at->since});
      places.push_back(at);
    }
  if (strangers.empty()) return false;
  connections_.erase(places[who_goes(strangers)]);
  return true;
}

void Listener::hear(Connection& connection) {
  const auto bytes = receive(connection.socket);
  if (!bytes) return drop(connection);
  const auto lines = connection.incoming.add(*bytes);
  if (!lines) return drop(connection);
  for (const auto& line : *lines)
    if (!understood(connection, line)) return drop(connection);
}

bool Listener::understood(Connection& connection, const std::string& line) {
  if (!connection.hello) {
    auto hello = parse_hello(line);
    return hello && same_token(hello->token, endpoint_.token) && welcome(connection, std::move(*hello));
  }
  const auto beat = parse_beat(line);
  if (!beat) return false;
  const double now = monotonic_seconds();
  if (connection.hello->rank == kWatcher) {
    watcher_.heard_at = now;
    return send_line(connection.socket, "ok\n");
  }
  RankSigns* const signs = signs_of(connection);
  if (!signs) return send_line(connection.socket, line_of(Order::die));
  signs->heard_at = now;
  if (beat->step != signs->step || beat->phase != signs->phase) signs->moved_at = now;
  signs->step = beat->step;
  signs->phase = beat->phase;
  return send_line(connection.socket, "ok\n");
}

bool Listener::welcome(Connection& connection, Hello hello) {
  const double now = monotonic_seconds();
  connection.hello = std::move(hello);
  if (connection.hello->rank == kWatcher) {
    watcher_ = {.host = connection.hello->host, .heard_at = now, .connected = true};
    return send_line(connection.socket, "ok\n");
  }
  RankSigns* const signs = signs_of(connection);
  if (!signs) return send_line(connection.socket, line_of(Order::die));
  for (auto& other : connections_)  // it came back: its former connection says nothing about it any more
    if (&other != &connection && signs_of(other) == signs) other.socket.close();
  if (signs->host.empty()) signs->moved_at = now;
  signs->host = connection.hello->host;
  signs->pid = connection.hello->pid;
  signs->heard_at = now;
  signs->connected = true;
  return send_line(connection.socket, standing_order_ ? line_of(*standing_order_) : "ok\n");
}

void Listener::drop(Connection& connection) {
  if (RankSigns* const signs = signs_of(connection); signs && signs->pid == connection.hello->pid) {
    signs->connected = false;
    signs->left_at = monotonic_seconds();
  }
  if (connection.hello && connection.hello->rank == kWatcher && watcher_.host == connection.hello->host)
    watcher_.connected = false;
  connection.socket.close();
}

}  // namespace pst::heartbeat
