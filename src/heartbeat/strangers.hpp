// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <vector>

/// Connections to a port of ours that have said nothing yet that gives them a right to be there. Anybody who reaches
/// the port can make thousands of them.
namespace pst::heartbeat {

struct Stranger {
  std::string network;  ///< Accepted::network
  double since = 0;     ///< monotonic_seconds()
};

/// The one that has to go when there are too many: the oldest of the network with the most. So a newcomer is always
/// heard, and nobody's crowd drives out a single caller from elsewhere. @param strangers  at least one
std::size_t who_goes(const std::vector<Stranger>& strangers);

/// How many strangers there may be so that this process can still open files (`ulimit -n`). @param known  connections
/// beside them that are or will be there
std::size_t room_for_strangers(std::size_t known, std::size_t most);

/// Raises the soft limit on open files to what `connections` and our own files need, as far as the hard one allows.
void make_room_for(std::size_t connections);

}  // namespace pst::heartbeat
