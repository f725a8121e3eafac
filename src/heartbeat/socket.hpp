// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pst::heartbeat {

/// Owns a descriptor.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() { close(); }
  Socket(Socket&& other) noexcept : descriptor_(other.release()) {}
  Socket& operator=(Socket&& other) noexcept {
    if (this != &other) {
      close();
      descriptor_ = other.release();
    }
    return *this;
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int descriptor() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }
  void close();

 private:
  int release();
  int descriptor_ = -1;
};

/// Who may come as far as to be asked for the token: processes of this user on this machine, by a Unix socket
/// (private_socket.hpp); whoever is on this machine; whoever reaches it.
enum class Reach { this_user, this_host, network };

/// Listens on a port that the kernel chooses. @param reach  `network`, or as far as this host. @throws Error(unfit)
Socket listen_somewhere(Reach reach, int& port);
/// Listens at a numeric address of this host. @param port  0: any free one, which it then is. @throws Error(unfit)
Socket listen_at(const std::string& address, int& port);
/// The numeric addresses under which this machine can be reached: of `network` those of its interfaces that are up,
/// without loopback ones unless there are no others. @throws Error(unfit)
std::vector<std::string> own_addresses(Reach reach);
/// Nothing when nobody listens there, or nobody answers within `timeout_s`.
std::optional<Socket> connect_to(const std::string& address, int port, double timeout_s);

struct Accepted {
  Socket socket;
  std::string network;  ///< who that is as far as addresses go: an IPv4 address, the first half of an IPv6 one
};
/// Nothing when nobody waits, or (then `out_of_files`) when this process can open no more.
std::optional<Accepted> accept_from(const Socket& listener, bool& out_of_files);

/// All of it at once or not at all: our lines are short, so a full buffer means that the other side no longer reads.
bool send_line(const Socket& socket, std::string_view line);
/// What has arrived. Empty: nothing new. Nothing: the other side has left.
std::optional<std::string> receive(const Socket& socket);

}  // namespace pst::heartbeat
