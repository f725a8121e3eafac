// SPDX-License-Identifier: Apache-2.0
#include "heartbeat/strangers.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <map>

namespace pst::heartbeat {
namespace {

constexpr std::size_t kOwnFiles = 96;  ///< logs, pipes and sockets that are no connections
constexpr std::size_t kFewest = 8;

std::size_t limit_on_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  return static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
}

}  // namespace

std::size_t who_goes(const std::vector<Stranger>& strangers) {
  std::map<std::string, std::size_t> crowds;
  for (const auto& stranger : strangers) ++crowds[stranger.network];
  const auto goes_before = [&](const Stranger& a, const Stranger& b) {
    const auto of_a = crowds[a.network], of_b = crowds[b.network];
    return of_a != of_b ? of_a > of_b : a.since < b.since;
  };
  return static_cast<std::size_t>(std::min_element(strangers.begin(), strangers.end(), goes_before) -
                                  strangers.begin());
}

std::size_t room_for_strangers(std::size_t known, std::size_t most) {
  const std::size_t limit = limit_on_files(), taken = known + kOwnFiles;
  return std::clamp(limit > taken ? (limit - taken) / 2 : 0, kFewest, most);
}

void make_room_for(std::size_t connections) {
  rlimit limit{};
  const rlim_t wanted = 2 * (connections + kOwnFiles);
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(limit.rlim_max, wanted);
  ::setrlimit(RLIMIT_NOFILE, &limit);  // refused: room_for_strangers does with what there is
}

}  // namespace pst::heartbeat
