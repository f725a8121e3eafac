// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pst::comm {

/// What NCCL says of its ways in a log that NCCL_DEBUG=INFO makes.
struct Transport {
  std::string version;                  ///< "2.28.9+cuda13.0", or empty
  std::string network;                  ///< between nodes: "IB", "AWS Libfabric", "Socket" ...; empty: it does not say
  std::map<std::string, int> channels;  ///< "P2P/CUMEM" -> 24, "NET/IB" -> 8: ways between two GPUs and how many
  int gpu_direct = 0;                   ///< of the channels over a network: those that bypass host memory
  std::vector<std::string> warnings;    ///< NCCL's own, each once, at most eight
};
Transport transport_in(std::string_view log);

/// What the machine and its profile let one expect.
struct ExpectedTransport {
  std::string network;            ///< $NCCL_NET; empty: not said
  bool has_fabric = false;        ///< the node has InfiniBand, RoCE or Slingshot devices
  bool wants_gpu_direct = false;  ///< $NCCL_NET_GDR_LEVEL is set to something that lets it
};
using Getenv = const char* (*)(const char*);
/// @param sys  /sys, or a test's
ExpectedTransport expected_transport(Getenv getenv, const std::string& sys = "/sys");

/// What is worth a warning: a run over the wrong way works, some ten times slower. Empty: nothing.
std::vector<std::string> compare(const Transport& seen, const ExpectedTransport& expected);

}  // namespace pst::comm
