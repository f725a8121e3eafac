// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "comm/communicator.hpp"
#include "comm/exchange_piece.hpp"

namespace pst::parallel {

/// The two buffers that exchanges of a flat array send from and receive into. An array goes through them in pieces, so
/// they stay small however large it is. One pair serves all exchanges that come one after the other.
class ExchangeBuffers {
 public:
  /// @param most  values in a buffer, as far as a value per rank has room
  explicit ExchangeBuffers(comm::Communicator& group, std::int64_t most = comm::kExchangeValues)
      : group_(group), most_(most) {}

  /// Values of each rank in a piece, when the largest share has `share` values: that many, or as many as there is room
  /// for.
  std::int64_t piece_of(std::int64_t share) const;

  struct Pair {
    at::Tensor outgoing, incoming;  // [ranks * piece], where the group wants its buffers; what is in them is not said
  };
  /// Buffers for `piece` values per rank of an array like `like` (f32 or bf16). They are the same memory with every
  /// call.
  Pair of_pieces(std::int64_t piece, const at::Tensor& like);

  comm::Communicator& group() { return group_; }

 private:
  comm::Communicator& group_;
  std::int64_t most_, room_ = 0;
  Pair buffers_;
};

}  // namespace pst::parallel
