// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

enum class Gradient { none, in_place };

/// Loss of each row, log(sum_j e^logit_j) - logit_target, computed in f32 whatever the logits' dtype.
/// @param logits    f32 or bf16 [rows, classes]; with Gradient::in_place it becomes scale * (softmax - onehot(target))
/// @param targets   i64 [rows], each in [0, classes)
/// @param loss      f32 [rows]
/// @param scale     factor of the gradient, e.g. 1 / labelled tokens of the step
/// @throws Error(bug) on a mismatch or a target outside the classes; logits are then untouched
void cross_entropy(const Exec& on, View logits, ConstView targets, View loss, Gradient gradient, double scale);

}  // namespace pst::kernels
