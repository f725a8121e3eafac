// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "nn/sequences.hpp"

namespace pst::model {

/// The rows from where a sequence of tokens begins for the last time in their document: bool [n]. A document that does
/// not have it has no such row.
/// @param ids        i64 [n]
/// @param positions  i32 [n], from 0 in each document
/// @param tokens     the sequence, not empty
at::Tensor invoked_rows(const at::Tensor& ids, const at::Tensor& positions, const std::vector<std::int64_t>& tokens);

/// What a model keeps of them. Rows that are active: [n, 1] in the dtype of products, ones and zeros; undefined where
/// no tokens were given: all are.
class Invocation {
 public:
  explicit Invocation(at::ScalarType compute) : compute_(compute) {}
  void set(std::vector<std::int64_t> tokens) { tokens_ = std::move(tokens); }
  at::Tensor active(const at::Tensor& ids, const at::Tensor& positions) const;
  /// From which row on a sequence with this prompt is: where the tokens begin for the last time.
  std::int64_t active_from(std::span<const std::int32_t> prompt) const;
  /// Of the next rows of sequences, by Sequence::active_from.
  at::Tensor active_next(std::span<const nn::Continued> parts, at::Device device) const;

 private:
  at::ScalarType compute_;
  std::vector<std::int64_t> tokens_;
};

}  // namespace pst::model
