// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/ops/index_select.h>

#include <utility>

#include "nn/slots.hpp"

namespace pst::model {

/// The frozen matrix of the embedding; readable while its block is.
class FrozenEmbedding final : public nn::Embedding {
 public:
  explicit FrozenEmbedding(at::Tensor matrix_vd) : matrix_vd_(std::move(matrix_vd)) {}
  at::Tensor rows(const at::Tensor& ids) const override { return at::index_select(matrix_vd_, 0, ids); }

 private:
  at::Tensor matrix_vd_;
};

}  // namespace pst::model
