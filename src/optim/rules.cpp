// SPDX-License-Identifier: Apache-2.0
#include "optim/rules.hpp"

#include "kernels/adamw/adamw.hpp"
#include "kernels/lion/lion.hpp"
#include "kernels/sgd/sgd.hpp"

namespace pst::optim {

void apply(const recipe::AdamW& rule, const Update& update, double weight_decay, const Slice& slice) {
  kernels::adamw(slice.on,
                 {.lr = update.lr,
                  .beta1 = rule.betas[0],
                  .beta2 = rule.betas[1],
                  .eps = rule.eps,
                  .weight_decay = weight_decay,
                  .step = update.number,
                  .gradient_factor = update.gradient_factor},
                 slice.values, slice.gradient, slice.state[0], slice.state[1]);
}

void apply(const recipe::Sgd& rule, const Update& update, double weight_decay, const Slice& slice) {
  kernels::sgd(slice.on,
               {.lr = update.lr,
                .momentum = rule.momentum,
                .weight_decay = weight_decay,
                .nesterov = rule.nesterov,
                .gradient_factor = update.gradient_factor},
               slice.values, slice.gradient, slice.state[0]);
}

void apply(const recipe::Lion& rule, const Update& update, double weight_decay, const Slice& slice) {
  kernels::lion(slice.on,
                {.lr = update.lr,
                 .beta1 = rule.betas[0],
                 .beta2 = rule.betas[1],
                 .weight_decay = weight_decay,
                 .gradient_factor = update.gradient_factor},
                slice.values, slice.gradient, slice.state[0]);
}

}  // namespace pst::optim
