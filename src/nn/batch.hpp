// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "ops/attention.hpp"

namespace pst::nn {

/// Documents laid end to end in one stream of tokens: no padding, whatever their lengths.
struct Batch {
  at::Tensor ids;            ///< i64 [n]
  ops::Documents documents;  ///< where each begins; positions count from 0 in each
  at::Tensor label_rows;     ///< i64 [m]: rows whose next token is a target
  at::Tensor targets;        ///< i64 [m]: that token

  std::int64_t tokens() const { return ids.size(0); }
  std::int64_t labelled() const { return targets.size(0); }
};

/// One document as the data layer sees it.
struct TokenSpan {
  std::span<const std::int32_t> ids;
  std::span<const std::uint8_t> labelled;
};

/// On the CPU. @throws Error(data) when an id is not below `vocabulary`
Batch make_batch(const std::vector<TokenSpan>& documents, std::int64_t vocabulary);

/// The batch with its tensors on `device`; itself where they are there.
Batch to_device(Batch batch, at::Device device);

}  // namespace pst::nn
