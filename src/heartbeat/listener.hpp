// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <filesystem>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "heartbeat/endpoint.hpp"
#include "heartbeat/private_socket.hpp"
#include "heartbeat/protocol.hpp"
#include "heartbeat/socket.hpp"

namespace pst::heartbeat {

/// What is known of a rank. Times are monotonic_seconds().
struct RankSigns {
  std::string host;  ///< empty: it has never been heard
  std::int64_t pid = 0;
  std::int64_t step = 0;
  Phase phase = Phase::joining;
  double heard_at = 0;
  double moved_at = 0;  ///< when step or phase last changed
  bool connected = false;
  double left_at = 0;  ///< when its connection ended; meaningful while not connected
};

struct WatcherSigns {
  std::string host;  ///< empty: none has connected
  double heard_at = 0;
  bool connected = false;
};

/// The supervisor's side: a thread that hears the ranks and gives them orders. A thread, because the supervisor may be
/// busy for seconds (a slow disk, a controller that does not answer), and ranks that hear nothing end themselves.
class Listener {
 public:
  /// @param folder  for the socket of `this_user`. Where it can hold none, the reach is `this_host`.
  /// @throws Error(unfit)
  Listener(Reach reach, std::string host, const std::filesystem::path& folder = {});
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const Endpoint& endpoint() const { return endpoint_; }

  /// From now on these are the ranks; one of an older attempt that is still there, or comes back, is told to die.
  void begin(int attempt, int ranks);
  /// To every rank of the attempt, to those that connect later too (`stacks`: only to those that are there).
  void order(Order order);
  std::vector<RankSigns> ranks() const;
  WatcherSigns watcher() const;

 private:
  struct Connection {
    Socket socket;
    LineBuffer incoming;
    std::optional<Hello> hello;  ///< nothing until it has proved that it belongs to the run
    std::string network;         ///< it comes from
    double since = 0;
  };

  void open_port(Reach reach);
  const Socket& entrance() const { return private_ ? private_->socket() : port_; }
  void run();
  void accept_new();
  bool send_a_stranger_away();
  void hear(Connection& connection);
  bool understood(Connection& connection, const std::string& line);
  bool welcome(Connection& connection, Hello hello);
  void drop(Connection& connection);
  RankSigns* signs_of(const Connection& connection);

  Endpoint endpoint_;
  std::optional<PrivateSocket> private_;  ///< we listen here, or else at the port
  Socket port_, wake_;
  std::atomic<bool> quit_{false};
  mutable std::mutex mutex_;  ///< guards everything below
  int attempt_ = 0;
  std::vector<RankSigns> ranks_;
  WatcherSigns watcher_;
  std::optional<Order> standing_order_;
  std::list<Connection> connections_;
  std::thread thread_;
};

}  // namespace pst::heartbeat
