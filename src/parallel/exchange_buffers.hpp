// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "comm/communicator.hpp"

namespace pst::parallel {

/// The two f32 buffers that operations over a flat array, cut into a share per rank, send from and receive into. One
/// pair serves all that come one after the other.
class ExchangeBuffers {
 public:
  /// @param least_share  values of a share that room is made for at once
  explicit ExchangeBuffers(comm::Communicator& group, std::int64_t least_share = 0)
      : group_(group), share_(least_share) {}

  struct Pair {
    at::Tensor outgoing, incoming;  // [ranks * share], where the group wants its buffers; what is in them is not said
  };
  /// Buffers for shares of `share` values of an array like `like`. They are the same memory with every call.
  Pair of_shares(std::int64_t share, const at::Tensor& like);

  comm::Communicator& group() { return group_; }

 private:
  comm::Communicator& group_;
  std::int64_t share_;
  Pair buffers_;
};

}  // namespace pst::parallel
