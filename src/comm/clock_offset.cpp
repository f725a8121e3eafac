// SPDX-License-Identifier: Apache-2.0
#include "comm/clock_offset.hpp"

#include <cstdint>
#include <vector>

namespace pst::comm {
namespace {

constexpr int kRounds = 16;

View one(double& value) { return view_of(std::span<double>(&value, 1)); }
ConstView one(const double& value) { return const_view_of(std::span<const double>(&value, 1)); }

void answer(Communicator& group, int asker, const std::function<double()>& clock) {
  for (int round = 0; round < kRounds; ++round) {
    double question = 0;
    group.receive(asker, one(question));
    const double now = clock();
    group.send(asker, one(now));
  }
}

ClockOffset ask(Communicator& group, const std::function<double()>& clock) {
  ClockOffset best;
  for (int round = 0; round < kRounds; ++round) {
    const double sent = clock();
    group.send(0, one(sent));
    double theirs = 0;
    group.receive(0, one(theirs));
    const double received = clock(), uncertainty = (received - sent) / 2;
    if (round == 0 || uncertainty < best.uncertainty_s) best = {theirs - (sent + received) / 2, uncertainty};
  }
  return best;
}

}  // namespace

ClockOffset measure_clock(Communicator& group, bool asks, const std::function<double()>& clock) {
  const std::int32_t mine = asks ? 1 : 0;
  std::vector<std::int32_t> all(static_cast<std::size_t>(group.size()));
  group.all_gather(const_view_of(std::span<const std::int32_t>(&mine, 1)), view_of(std::span(all)));
  ClockOffset offset;
  for (int rank = 1; rank < group.size(); ++rank) {
    if (all[static_cast<std::size_t>(rank)] == 0) continue;
    if (group.is_root()) answer(group, rank, clock);
    if (group.rank() == rank) offset = ask(group, clock);
  }
  return offset;
}

}  // namespace pst::comm
