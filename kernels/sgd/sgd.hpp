// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

struct Sgd {
  double lr = 0, momentum = 0.9, weight_decay = 0;
  bool nesterov = false;
  double gradient_factor = 1;  ///< multiplies every gradient first: clipping
};

/// One step of gradient descent with momentum over flat f32 arrays of one size; `gradient` is only read:
///
///     g         = gradient_factor * gradient + weight_decay * value
///     momentum  = settings.momentum * momentum + g
///     value    -= lr * (nesterov ? g + settings.momentum * momentum : momentum)
///
/// @param momentum  zeros before the first step
/// @throws Error(bug) on a mismatch
/// @see Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning"; as torch.optim.SGD
/// writes it, without dampening
void sgd(const Exec& on, const Sgd& settings, View value, ConstView gradient, View momentum);

}  // namespace pst::kernels
