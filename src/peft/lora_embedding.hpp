// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "nn/parameter.hpp"
#include "nn/slots.hpp"

namespace pst::peft {

/// The base's rows plus a low-rank update: row t is W_t + scale * B a_t, a_t being column t of A.
class LoraEmbedding final : public nn::Embedding {
 public:
  /// @param a_rv  [r, vocabulary];  b_dr: [width, r]
  LoraEmbedding(std::unique_ptr<nn::Embedding> base, double scale, const nn::Parameter& a_rv, const nn::Parameter& b_dr)
      : base_(std::move(base)), scale_(scale), a_rv_(a_rv), b_dr_(b_dr) {}
  at::Tensor rows(const at::Tensor& ids) const override;
  const nn::Embedding& base() const { return *base_; }

 private:
  std::unique_ptr<nn::Embedding> base_;
  double scale_;
  const nn::Parameter &a_rv_, &b_dr_;
};

}  // namespace pst::peft
