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

enum class Reach { this_host, network };

/// Listens on a port that the kernel chooses. @throws Error(unfit)
Socket listen_somewhere(Reach reach, int& port);
/// The numeric addresses under which this machine can be reached: of `network` those of its interfaces that are up,
/// without loopback ones unless there are no others. @throws Error(unfit)
std::vector<std::string> own_addresses(Reach reach);
/// Nothing when nobody listens there, or nobody answers within `timeout_s`.
std::optional<Socket> connect_to(const std::string& address, int port, double timeout_s);
std::optional<Socket> accept_from(const Socket& listener);

/// All of it at once or not at all: our lines are short, so a full buffer means that the other side no longer reads.
bool send_line(const Socket& socket, std::string_view line);
/// What has arrived. Empty: nothing new. Nothing: the other side has left.
std::optional<std::string> receive(const Socket& socket);

}  // namespace pst::heartbeat
