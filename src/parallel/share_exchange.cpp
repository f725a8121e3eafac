// SPDX-License-Identifier: Apache-2.0
#include "parallel/share_exchange.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <span>
#include <vector>

#include "core/error.hpp"
#include "kernels/reduce/reduce.hpp"
#include "ops/torch_exec.hpp"

namespace pst::parallel {
namespace {

using kernels::kSquareBlock;

std::int64_t blocks_before(std::int64_t place) { return (place + kSquareBlock - 1) / kSquareBlock; }

/// The blocks of sum_of_squares() that begin in a rank's share: those it does.
Range blocks_of(const FlatShares& shares, int rank) {
  return {blocks_before(shares.of(rank).begin), blocks_before(shares.of(rank).end)};
}

/// What lies behind a rank's share in the last of its blocks.
Range rest_of(const FlatShares& shares, int rank, std::int64_t size) {
  const Range share = shares.of(rank), blocks = blocks_of(shares, rank);
  return {share.end, blocks.size() > 0 ? std::min(size, blocks.end * kSquareBlock) : share.end};
}

/// Calls `exchange(piece, part)` until the largest of the ranks' ranges is through: with how many values of each rank
/// go at once, and part(rank), which of the array these are; of a range that is through, none.
template <class RangeOf, class Exchange>
void in_pieces(ExchangeBuffers& buffers, const RangeOf& range_of, const Exchange& exchange) {
  std::int64_t most = 0;
  for (int rank = 0; rank < buffers.group().size(); ++rank) most = std::max(most, range_of(rank).size());
  const std::int64_t piece = buffers.piece_of(most);
  for (std::int64_t done = 0; done < most; done += piece)
    exchange(piece, [&, done](int rank) {
      const Range all = range_of(rank);
      return Range{std::min(all.end, all.begin + done), std::min(all.end, all.begin + done + piece)};
    });
}

/// Sums a range for each rank over the group. @param into  where this rank's goes; it may lie in `array`
template <class RangeOf>
void sum_ranges(const at::Tensor& array, const RangeOf& range_of, ExchangeBuffers& buffers, const at::Tensor& into) {
  comm::Communicator& group = buffers.group();
  const int ranks = group.size();
  in_pieces(buffers, range_of, [&](std::int64_t piece, const auto& part) {
    const auto [outgoing, incoming] = buffers.of_pieces(piece, array);
    for (int rank = 0; rank < ranks; ++rank) {
      const Range theirs = part(rank);
      outgoing.narrow(0, rank * piece, theirs.size()).copy_(array.narrow(0, theirs.begin, theirs.size()));
    }
    const View received = ops::view_of(incoming);
    group.all_to_all(ops::view_of(outgoing), received);
    kernels::sum_shares(ops::exec_of(incoming), received, ranks);
    const Range mine = part(group.rank());
    into.narrow(0, mine.begin - range_of(group.rank()).begin, mine.size()).copy_(incoming.narrow(0, 0, mine.size()));
  });
}

/// Sums of squares of this rank's blocks. @param rest  the sums behind its share, up to the end of its last block
std::vector<double> squares(const at::Tensor& array, Range share, Range blocks, const at::Tensor& rest) {
  std::vector<double> sums(static_cast<std::size_t>(blocks.size()));
  if (blocks.size() == 0) return sums;
  const bool shared = rest.numel() > 0;  // the last block is the next ranks' as well
  const auto add = [&](const at::Tensor& values, std::span<double> into) {
    kernels::squares_of_blocks(ops::exec_of(values), ops::view_of(values), into);
  };
  const std::int64_t begin = blocks.begin * kSquareBlock,
                     end = shared ? (blocks.end - 1) * kSquareBlock : std::min(array.numel(), share.end);
  add(array.narrow(0, begin, end - begin), std::span(sums).first(sums.size() - (shared ? 1 : 0)));
  if (shared) add(at::cat({array.narrow(0, end, share.end - end), rest}), std::span(sums).last(1));
  return sums;
}

/// The ranks' sums, added in order.
double sum_of(const std::vector<double>& mine, const FlatShares& shares, comm::Communicator& hosts) {
  std::int64_t most = 1;
  for (int rank = 0; rank < hosts.size(); ++rank) most = std::max(most, blocks_of(shares, rank).size());
  std::vector<double> sent(mine), all(static_cast<std::size_t>(most * hosts.size()));
  sent.resize(static_cast<std::size_t>(most));
  hosts.all_gather(view_of(std::span(sent)), view_of(std::span(all)));
  double sum = 0;
  for (int rank = 0; rank < hosts.size(); ++rank)
    for (std::int64_t i = 0; i < blocks_of(shares, rank).size(); ++i)
      sum += all[static_cast<std::size_t>(rank * most + i)];
  return sum;
}

}  // namespace

double sum_into_shares(const at::Tensor& inout, const FlatShares& shares, ExchangeBuffers& buffers,
                       comm::Communicator& hosts) {
  const int rank = buffers.group().rank();
  PST_ASSERT(shares.ranks() == buffers.group().size() && hosts.size() == shares.ranks(), "a share per rank");
  const auto own = [&](int r) { return shares.of(r); };
  const auto behind = [&](int r) { return rest_of(shares, r, inout.numel()); };
  // First what lies in others' shares, while that still has everybody's own part of the sums.
  const at::Tensor rest = at::empty({behind(rank).size()}, inout.options());
  sum_ranges(inout, behind, buffers, rest);
  sum_ranges(inout, own, buffers, inout.narrow(0, own(rank).begin, own(rank).size()));
  return sum_of(squares(inout, own(rank), blocks_of(shares, rank), rest), shares, hosts);
}

void gather_shares(const at::Tensor& inout, const FlatShares& shares, ExchangeBuffers& buffers) {
  comm::Communicator& group = buffers.group();
  PST_ASSERT(shares.ranks() == group.size(), "a share per rank");
  in_pieces(
      buffers, [&](int rank) { return shares.of(rank); },
      [&](std::int64_t piece, const auto& part) {
        const auto [gathered, sent] = buffers.of_pieces(piece, inout);
        const auto window = [&](int rank) { return inout.narrow(0, part(rank).begin, part(rank).size()); };
        sent.narrow(0, 0, part(group.rank()).size()).copy_(window(group.rank()));
        group.all_gather(ops::view_of(sent).part(0, piece), ops::view_of(gathered));
        for (int rank = 0; rank < group.size(); ++rank)
          if (rank != group.rank()) window(rank).copy_(gathered.narrow(0, rank * piece, part(rank).size()));
      });
}

}  // namespace pst::parallel
