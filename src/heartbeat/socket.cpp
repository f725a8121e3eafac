// SPDX-License-Identifier: Apache-2.0
#include "heartbeat/socket.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::heartbeat {
namespace {

[[noreturn]] void refuse(const char* what) {
  throw Error(Fault::unfit, cat(what, ": ", std::strerror(errno)), "this machine's network does not allow it");
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

std::optional<Address> to_address(const std::string& text, int port) {
  Address address;
  auto* const four = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* const six = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, text.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(static_cast<std::uint16_t>(port));
    address.size = sizeof *four;
  } else if (::inet_pton(AF_INET6, text.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(static_cast<std::uint16_t>(port));
    address.size = sizeof *six;
  } else {
    return std::nullopt;
  }
  return address;
}

/// Both families through one socket; where a kernel has no IPv6, IPv4.
Socket bound_to_any_port(Reach reach) {
  for (const char* text : {"::", "0.0.0.0"}) {
    const auto address = to_address(reach == Reach::network ? text : "127.0.0.1", 0).value();
    Socket socket(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) continue;
    const int off = 0;
    if (address.get()->sa_family == AF_INET6)
      ::setsockopt(socket.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (::bind(socket.descriptor(), address.get(), address.size) == 0) return socket;
  }
  refuse("cannot get a port to listen on");
}

void send_at_once(const Socket& socket) {
  const int on = 1;
  ::setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

void Socket::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

int Socket::release() { return std::exchange(descriptor_, -1); }

namespace {

void listen_on(const Socket& socket, int& port) {
  if (::listen(socket.descriptor(), 1024) != 0) refuse("cannot listen on a port");
  Address bound;
  bound.size = sizeof bound.storage;
  if (::getsockname(socket.descriptor(), bound.get(), &bound.size) != 0) refuse("cannot learn our own port");
  port = ntohs(bound.get()->sa_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound.storage)->sin6_port
                                                  : reinterpret_cast<sockaddr_in*>(&bound.storage)->sin_port);
}

std::string network_of(const Address& peer) {
  if (peer.get()->sa_family == AF_UNIX) return "";
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (peer.get()->sa_family == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(&peer.storage);
    return ::inet_ntop(AF_INET, &four->sin_addr, text.data(), text.size());
  }
  sockaddr_in6 six;
  std::memcpy(&six, &peer.storage, sizeof six);
  // Who has one address of a /64 has them all. An IPv4 address in the form of an IPv6 one is one address.
  if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) std::memset(six.sin6_addr.s6_addr + 8, 0, 8);
  return ::inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
}

}  // namespace

Socket listen_somewhere(Reach reach, int& port) {
  Socket socket = bound_to_any_port(reach);
  listen_on(socket, port);
  return socket;
}

Socket listen_at(const std::string& text, int& port) {
  const auto address = to_address(text, port);
  if (!address) throw Error(Fault::unfit, cat(text, " is no numeric address"));
  Socket socket(::socket(address->get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) refuse("cannot make a socket");
  const int on = 1;  // what a process before us has just closed is no reason to wait a minute
  ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.descriptor(), address->get(), address->size) != 0) throw Error(Fault::unfit, std::strerror(errno));
  listen_on(socket, port);
  return socket;
}

std::vector<std::string> own_addresses(Reach reach) {
  if (reach != Reach::network) return {"127.0.0.1"};
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) refuse("cannot list this machine's network interfaces");
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, ::freeifaddrs);
  std::vector<std::string> four, six;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || !(at->ifa_flags & IFF_UP) || (at->ifa_flags & IFF_LOOPBACK)) continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (at->ifa_addr->sa_family == AF_INET) {
      const auto* address = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
      four.emplace_back(::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size()));
    } else if (at->ifa_addr->sa_family == AF_INET6) {
      const auto* address = reinterpret_cast<const sockaddr_in6*>(at->ifa_addr);
      if (IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr)) continue;  // means nothing on another machine
      six.emplace_back(::inet_ntop(AF_INET6, &address->sin6_addr, text.data(), text.size()));
    }
  }
  four.insert(four.end(), six.begin(), six.end());
  if (four.empty()) four.push_back("127.0.0.1");
  if (four.size() > 64) four.resize(64);
  return four;
}

std::optional<Socket> connect_to(const std::string& text, int port, double timeout_s) {
  const auto address = to_address(text, port);
  if (!address) return std::nullopt;
  Socket socket(::socket(address->get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return std::nullopt;
  if (::connect(socket.descriptor(), address->get(), address->size) != 0) {
    if (errno != EINPROGRESS) return std::nullopt;
    pollfd wait{.fd = socket.descriptor(), .events = POLLOUT, .revents = 0};
    if (::poll(&wait, 1, static_cast<int>(timeout_s * 1000)) != 1) return std::nullopt;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return std::nullopt;
  }
  send_at_once(socket);
  return socket;
}

std::optional<Accepted> accept_from(const Socket& listener, bool& out_of_files) {
  Address peer;
  peer.size = sizeof peer.storage;
  Socket socket(::accept4(listener.descriptor(), peer.get(), &peer.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  out_of_files = !socket && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM);
  if (!socket) return std::nullopt;
  send_at_once(socket);
  return Accepted{std::move(socket), network_of(peer)};
}

bool send_line(const Socket& socket, std::string_view line) {
  const auto sent = ::send(socket.descriptor(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent == static_cast<ssize_t>(line.size());
}

std::optional<std::string> receive(const Socket& socket) {
  std::array<char, 4096> bytes;
  const auto got = ::recv(socket.descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got > 0) return std::string(bytes.data(), static_cast<std::size_t>(got));
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return std::string();
  return std::nullopt;
}

}  // namespace pst::heartbeat
