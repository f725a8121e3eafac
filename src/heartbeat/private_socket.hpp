// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "heartbeat/socket.hpp"

namespace pst::heartbeat {

/// A Unix socket in a folder that only this user can enter: other users of the machine cannot even connect. It is
/// reached by the folder's path, so whoever sees the run's folder sees it, a process in a container too.
class PrivateSocket {
 public:
  /// Makes `folder` (0700) and listens in it. What a supervisor that was killed left there goes.
  /// @return nothing where this cannot be had: the folder is not ours, or its file system keeps no sockets
  static std::optional<PrivateSocket> listen_in(const std::filesystem::path& folder);
  ~PrivateSocket();  ///< removes socket and folder
  PrivateSocket(PrivateSocket&&) = default;
  PrivateSocket& operator=(PrivateSocket&&) = delete;

  const Socket& socket() const { return socket_; }
  std::string address() const;  ///< for an Endpoint: an absolute path

 private:
  PrivateSocket(std::filesystem::path folder, Socket socket);
  std::filesystem::path folder_;
  Socket socket_;
};

/// Whether an address is that of a private socket, and no numeric one.
bool is_private(const std::string& address);
/// Nothing when nobody listens there, or when the folder could be another user's.
std::optional<Socket> connect_to_private(const std::string& address);

}  // namespace pst::heartbeat
