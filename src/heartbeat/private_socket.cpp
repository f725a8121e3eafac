// SPDX-License-Identifier: Apache-2.0
#include "heartbeat/private_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "core/strings.hpp"

namespace pst::heartbeat {
namespace {

namespace fs = std::filesystem;
constexpr const char* kName = "socket";
constexpr int kBacklog = 1024;

/// The folder, held open; nothing unless it is a folder of ours, and no link, that nobody else can enter.
std::optional<Socket> enter(const fs::path& folder) {
  Socket held(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!held || ::fstat(held.descriptor(), &info) != 0) return std::nullopt;
  if (info.st_uid != ::geteuid() || (info.st_mode & 077) != 0) return std::nullopt;
  return held;
}

/// By way of the open folder: a socket's address holds 107 bytes, and the paths of runs are longer.
sockaddr_un address_in(const Socket& folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = cat("/proc/self/fd/", folder.descriptor(), "/", kName);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Socket new_socket() { return Socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

}  // namespace

PrivateSocket::PrivateSocket(fs::path folder, Socket socket) : folder_(std::move(folder)), socket_(std::move(socket)) {}

PrivateSocket::~PrivateSocket() {
  if (!socket_) return;  // it was moved from
  std::error_code ignored;
  fs::remove(folder_ / kName, ignored);
  fs::remove(folder_, ignored);
}

std::string PrivateSocket::address() const { return (folder_ / kName).string(); }

std::optional<PrivateSocket> PrivateSocket::listen_in(const fs::path& folder) {
  std::error_code failed;
  const fs::path whole = fs::absolute(folder, failed);
  if (failed) return std::nullopt;
  ::mkdir(whole.c_str(), 0700);
  const auto held = enter(whole);
  if (!held) return std::nullopt;
  ::unlinkat(held->descriptor(), kName, 0);
  Socket socket = new_socket();
  const sockaddr_un address = address_in(*held);
  if (!socket || ::bind(socket.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.descriptor(), kBacklog) != 0)
    return std::nullopt;
  PrivateSocket made(whole, std::move(socket));
  if (!connect_to_private(made.address())) return std::nullopt;  // some file systems make sockets that lead nowhere
  return made;
}

bool is_private(const std::string& address) { return address.starts_with('/'); }

std::optional<Socket> connect_to_private(const std::string& address) {
  const fs::path path(address);
  if (path.filename() != kName) return std::nullopt;
  const auto folder = enter(path.parent_path());
  if (!folder) return std::nullopt;
  Socket socket = new_socket();
  const sockaddr_un there = address_in(*folder);
  // It waits for nobody: a queue that is full is tried again at the next turn.
  if (!socket || ::connect(socket.descriptor(), reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0)
    return std::nullopt;
  return socket;
}

}  // namespace pst::heartbeat
