// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "ops/attention.hpp"

namespace pst::model {

/// A stream of documents with `count` more rows before each of them.
struct Prompted {
  std::int64_t count = 0;
  ops::Documents documents;          ///< with those rows; positions count from 0 at the first of them
  std::vector<std::int64_t> starts;  ///< of the documents without them, then the number of rows
  at::Tensor own;                    ///< i64 [n]: where the rows without them are

  /// The rows with `before` [count, w] in front of each document. @param x  [n, w]
  at::Tensor with(const at::Tensor& before, const at::Tensor& x) const;
  /// Back to the documents' own rows.
  at::Tensor without(const at::Tensor& x) const;
};
Prompted prompted(const ops::Documents& documents, std::int64_t count);

}  // namespace pst::model
