// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include "nn/batch.hpp"
#include "nn/causal_lm.hpp"

namespace pst::train {

/// Sum over the batch's targets of -log p(target), nothing divided. The head and the cross entropy run over chunks of
/// labelled rows, so that logits never exist in full, and rows without a label never meet the head.
/// @param hidden_nd  forward()'s result; not changed
double summed_loss(const nn::CausalLm& model, const nn::Batch& batch, const at::Tensor& hidden_nd);

/// The same, and the gradient of `scale * sum` propagated through the head and the model into the parameters.
/// @param scale  1 / labelled tokens of the step
double summed_loss_backward(const nn::CausalLm& model, const nn::Batch& batch, const at::Tensor& hidden_nd,
                            double scale);

}  // namespace pst::train
