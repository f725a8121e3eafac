// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace pst::heartbeat {

/// Where the supervisor of an attempt listens, and the word that proves that one belongs to the run.
struct Endpoint {
  std::string host;                    ///< for messages
  std::vector<std::string> addresses;  ///< numeric, tried in turn; or the path of a private socket alone
  int port = 0;                        ///< 0 with a path
  std::string token;
};

/// attempts/<n>/heartbeat.json, readable by its owner alone (0600) from its first byte on. @throws Error(io)
void write_endpoint(const std::filesystem::path& path, const Endpoint& endpoint);
/// @throws Error(data) naming the file when it is missing or not valid
Endpoint read_endpoint(const std::filesystem::path& path);

/// 128 random bits of the kernel, in hexadecimal. @throws Error(unfit)
std::string new_token();

}  // namespace pst::heartbeat
