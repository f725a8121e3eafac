// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/ops/index_select.h>

#include <utility>

#include "nn/slots.hpp"

namespace pst::model {

/// The frozen matrix of the embedding; readable while its block is.
class FrozenEmbedding final : public nn::Embedding {
 public:
  /// @param dtype  of the rows that products see; the matrix may be kept in a narrower one
  FrozenEmbedding(at::Tensor matrix_vd, at::ScalarType dtype) : matrix_vd_(std::move(matrix_vd)), dtype_(dtype) {}
  at::Tensor rows(const at::Tensor& ids) const override { return at::index_select(matrix_vd_, 0, ids).to(dtype_); }

 private:
  at::Tensor matrix_vd_;
  at::ScalarType dtype_;
};

}  // namespace pst::model
