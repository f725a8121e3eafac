// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

enum class Gradient { none, in_place };

/// Loss of each row, log(sum_j e^logit_j) - (1 - s) logit_target - s mean_j(logit_j) for a smoothing s, computed in f32
/// whatever the logits' dtype: s of the label is spread over all classes.
/// @param logits    f32 or bf16 [rows, classes]; with Gradient::in_place it becomes
///                  scale * (softmax - (1 - s) onehot(target) - s / classes)
/// @param targets   i64 [rows], each in [0, classes)
/// @param loss      f32 [rows]
/// @param scale     factor of the gradient, e.g. 1 / labelled tokens of the step
/// @param smoothing in [0, 1); 0 leaves the bits of the plain loss
/// @throws Error(bug) on a mismatch or a target outside the classes; logits are then untouched
/// @see Szegedy et al. 2016, arXiv:1512.00567, section 7
void cross_entropy(const Exec& on, View logits, ConstView targets, View loss, Gradient gradient, double scale,
                   double smoothing = 0);

}  // namespace pst::kernels
