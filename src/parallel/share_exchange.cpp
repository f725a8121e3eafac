// SPDX-License-Identifier: Apache-2.0
#include "parallel/share_gather.hpp"

#include "core/error.hpp"
#include "ops/exec.hpp"

namespace pst::parallel {

void gather_shares(const at::Tensor& inout, const FlatShares& shares, ExchangeBuffers& buffers) {
  comm::Communicator& group = buffers.group();
  PST_ASSERT(shares.ranks() == group.size(), "a share per rank");
  const std::int64_t room = shares.largest();
  const auto [gathered, mine] = buffers.of_shares(room, inout);
  const auto window = [&](int rank) { return inout.narrow(0, shares.of(rank).begin, shares.of(rank).size()); };
  mine.narrow(0, 0, shares.of(group.rank()).size()).copy_(window(group.rank()));
  group.all_gather(ops::view_of(mine).part(0, room), ops::view_of(gathered));
  for (int rank = 0; rank < group.size(); ++rank)
    if (rank != group.rank()) window(rank).copy_(gathered.narrow(0, rank * room, shares.of(rank).size()));
}

}  // namespace pst::parallel
