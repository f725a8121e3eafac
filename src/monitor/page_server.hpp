// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "heartbeat/socket.hpp"

namespace pst::monitor {

/// Answers GET and HEAD of one path over HTTP/1.1, in a thread of its own. A port that others reach meets requests that
/// never end and connections by the thousand: a request has two seconds and 8 KiB, and whoever is there longest makes
/// room for a newcomer.
class PageServer {
 public:
  /// @param address  numeric, of this host
  /// @param port     0: any free one
  /// @throws Error(unfit) when it cannot listen there
  PageServer(const std::string& address, int port, std::string path, std::string content_type);
  ~PageServer();
  PageServer(const PageServer&) = delete;
  PageServer& operator=(const PageServer&) = delete;

  int port() const { return port_; }
  void publish(std::string page);

 private:
  struct Client {
    heartbeat::Socket socket;
    std::string network;
    double since = 0;
    std::string request, answer;  ///< what has come; what is still to go
  };

  void run();
  void accept_new();
  bool send_one_away();
  void serve(Client& client);
  std::string answer_to(const std::string& request) const;

  const std::string path_, content_type_;
  int port_;
  heartbeat::Socket listener_, wake_;
  std::atomic<bool> quit_{false};
  mutable std::mutex mutex_;
  std::string page_;
  std::list<Client> clients_;  ///< of the thread alone
  std::thread thread_;
};

}  // namespace pst::monitor
