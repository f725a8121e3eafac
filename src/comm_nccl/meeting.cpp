// SPDX-License-Identifier: Apache-2.0
#include "comm_nccl/meeting.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string_view>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::comm {
namespace {

constexpr std::size_t kPeerBytes = 512;  // a name and a dozen addresses; more of them are left out

std::vector<int> gather_numbers(Communicator& host, std::int32_t mine) {
  std::vector<std::int32_t> all(static_cast<std::size_t>(host.size()));
  host.all_gather(const_view_of(std::span<const std::int32_t>(&mine, 1)), view_of(std::span(all)));
  return {all.begin(), all.end()};
}

/// Every rank's words, by rank; of a text that is too long the last ones are left out.
std::vector<std::vector<std::string>> gather_texts(Communicator& host, std::string text) {
  if (text.size() > kPeerBytes) text.resize(text.rfind(' ', kPeerBytes));
  std::vector<std::uint8_t> mine(kPeerBytes, ' '), all(kPeerBytes * static_cast<std::size_t>(host.size()));
  std::copy(text.begin(), text.end(), mine.begin());
  host.all_gather(const_view_of(std::span<const std::uint8_t>(mine)), view_of(std::span(all)));

  std::vector<std::vector<std::string>> texts;
  for (auto at = all.begin(); at != all.end(); at += kPeerBytes) {
    texts.emplace_back();
    for (const auto& word : split(std::string(at, at + kPeerBytes), ' '))
      if (!word.empty()) texts.back().push_back(word);
  }
  return texts;
}

std::vector<Peer> gather_peers(Communicator& host) {
  std::vector<Peer> peers;
  for (auto& words : gather_texts(host, join(this_peer().where, " "))) peers.push_back({.where = std::move(words)});
  return peers;
}

/// NCCL would call it an invalid use of its own.
void check_gpus_differ(const std::vector<Peer>& peers, const std::vector<std::vector<std::string>>& gpus) {
  const char* const allowed = std::getenv("NCCL_MULTI_RANK_GPU_ENABLE");
  if (allowed != nullptr && std::string_view(allowed) == "1") return;
  std::map<std::pair<std::string, std::string>, std::size_t> seen;
  for (std::size_t rank = 0; rank < gpus.size(); ++rank) {
    if (gpus[rank].empty()) continue;
    const auto [first, is_new] = seen.try_emplace({peers[rank].host(), gpus[rank].front()}, rank);
    if (is_new) continue;
    throw Error(Fault::usage,
                cat("ranks ", first->second, " and ", rank, " on ", peers[rank].host(), " have the same GPU (",
                    gpus[rank].front(), ")"),
                "a rank needs a GPU of its own: lower slurm.ranks_per_node to the number of GPUs that a node gives, or "
                "ask for more of them; if the site binds one GPU to every task, see that each gets another one");
  }
}

}  // namespace

Peer this_peer() {
  std::array<char, 256> name{};
  Peer peer;
  peer.where.emplace_back(::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data()
                                                                                              : "unnamed");
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return peer;
  for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_LOOPBACK) != 0) continue;
    const int family = at->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    std::array<char, NI_MAXHOST> text{};
    const auto length = static_cast<socklen_t>(family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    if (::getnameinfo(at->ifa_addr, length, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0)
      peer.where.emplace_back(text.data());
  }
  ::freeifaddrs(first);
  return peer;
}

Meeting meet(Communicator& host, const NcclApi& nccl, const std::string& gpu,
             const std::function<void(const std::string&)>& warn) {
  Meeting met;
  met.peers = gather_peers(host);
  check_gpus_differ(met.peers, gather_texts(host, gpu));

  int version = 0;
  nccl.get_version(&version);
  const std::vector<int> versions = gather_numbers(host, version);
  const auto other = std::find_if(versions.begin(), versions.end(), [&](int v) { return v != versions.front(); });
  if (other != versions.end()) {
    const auto rank = static_cast<std::size_t>(other - versions.begin());
    throw Error(Fault::unfit,
                cat("the nodes have different versions of NCCL: ", nccl_version_text(versions.front()), " on ",
                    met.peers.front().host(), " (rank 0), ", nccl_version_text(*other), " on ", met.peers[rank].host(),
                    " (rank ", rank, ")"),
                "install the same torch everywhere, or point PST_NCCL_LIBRARY to one library that all nodes see");
  }
  const std::string warning = check_nccl_version(version);
  if (!warning.empty() && host.is_root()) warn(warning);

  together(host, "asking NCCL for a meeting point", [&] {
    if (!host.is_root()) return;
    if (const nccl::Result result = nccl.get_unique_id(&met.id); result != nccl::kSuccess)
      throw Error(
          Fault::transient,
          cat("ncclGetUniqueId failed: ", nccl.get_error_string(result), " - ", nccl.get_last_error(nullptr)),
          "NCCL found no network interface that it may use: NCCL_SOCKET_IFNAME, in the site profile's env, names one");
  });
  auto* const bytes = reinterpret_cast<std::uint8_t*>(met.id.internal);
  host.broadcast(view_of(std::span(bytes, sizeof met.id.internal)), 0);
  return met;
}

}  // namespace pst::comm
