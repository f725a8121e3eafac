// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

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
  /// Of the next rows of a document. @param invoked  whether rows before them were active; brought up to date
  at::Tensor active_next(const at::Tensor& ids, bool& invoked) const;

 private:
  at::ScalarType compute_;
  std::vector<std::int64_t> tokens_;
};

}  // namespace pst::model
