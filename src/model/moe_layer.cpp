// SPDX-License-Identifier: Apache-2.0
#include "model/moe_layer.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/split_with_sizes.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros.h>

#include <utility>

#include "nn/balance.hpp"
#include "ops/activation.hpp"
#include "ops/rows_of.hpp"

// Shape letters: n rows, d hidden, e experts, k experts that a row takes, r rows of one expert.
namespace pst::model {

using families::MoeSpec;

MoeLayer::MoeLayer(const MoeSpec& spec, const Parts& parts, std::unique_ptr<MlpLayer> shared,
                   std::unique_ptr<nn::Linear> shared_gate, std::vector<std::unique_ptr<nn::Linear>> experts)
    : spec_(spec),
      router_(parts.own_linear(spec.router)),
      shared_gate_(std::move(shared_gate)),
      router_norm_(parts.norm(spec.router_norm)),
      experts_norm_(parts.norm(spec.experts_norm)),
      experts_out_norm_(parts.norm(spec.experts_out_norm)),
      shared_out_norm_(parts.norm(spec.shared_out_norm)),
      shared_(std::move(shared)),
      experts_(std::move(experts)) {
  if (!spec.correction.empty()) correction_ = parts.floats(spec.correction);
  if (!spec.expert_scales.empty()) expert_scales_ = parts.floats(spec.expert_scales);
}

std::vector<std::unique_ptr<nn::Linear>*> MoeLayer::linears() {
  auto all = shared_ ? shared_->linears() : std::vector<std::unique_ptr<nn::Linear>*>();
  if (shared_gate_) all.push_back(&shared_gate_);
  return all;
}

std::vector<std::unique_ptr<nn::Linear>*> MoeLayer::experts() {
  std::vector<std::unique_ptr<nn::Linear>*> all;
  for (auto& expert : experts_) all.push_back(&expert);
  return all;
}

at::Tensor MoeLayer::run(const at::Tensor& x_nd, const at::Tensor& stream_nd, const Rows& rows) const {
  const Choice choice = choose(router_norm_ ? ops::norm(stream_nd, *router_norm_) : x_nd, rows);
  const at::Tensor routed_nd = experts_norm_ ? ops::norm(stream_nd, *experts_norm_) : x_nd;
  const ops::SlotOrder order = ops::order_slots(choice.experts_nk, static_cast<std::int64_t>(spec_.experts.size()));
  const auto parted = at::split_with_sizes(ops::spread_rows(routed_nd, order), order.sizes);
  std::vector<at::Tensor> made;
  for (std::size_t e = 0; e < parted.size(); ++e)
    if (order.sizes[e] > 0) made.push_back(expert(e, parted[e], rows));
  at::Tensor sum_nd = ops::gather_rows(at::cat(made), order, choice.weights_nk);
  if (experts_out_norm_) sum_nd = ops::norm(sum_nd, *experts_out_norm_);
  return shared_ ? sum_nd + shared(x_nd, rows) : sum_nd;
}

MoeLayer::Choice MoeLayer::choose(const at::Tensor& x_nd, const Rows& rows) const {
  at::Tensor logits_ne = rows.through(*router_, x_nd).to(at::kFloat);
  if (rows.pass.balance) logits_ne = balanced(logits_ne, *rows.pass.balance);
  const at::Tensor scores_ne = spec_.softmax_of_chosen                    ? logits_ne
                               : spec_.scores == MoeSpec::Scores::sigmoid ? at::sigmoid(logits_ne)
                                                                          : at::softmax(logits_ne, -1);
  Choice choice;
  {
    at::NoGradGuard no_gradients;  // what is chosen has no slope
    choice.experts_nk = std::get<1>(at::topk(scores_for_choosing(scores_ne.detach()), spec_.chosen));
  }
  choice.weights_nk = at::gather(scores_ne, 1, choice.experts_nk);
  if (spec_.softmax_of_chosen) choice.weights_nk = at::softmax(choice.weights_nk, -1);
  if (spec_.normalised) {
    const double least = spec_.scores == MoeSpec::Scores::sigmoid ? 1e-20 : 0;
    choice.weights_nk = choice.weights_nk / (choice.weights_nk.sum(-1, /*keepdim=*/true) + least);
  }
  if (expert_scales_.defined())
    choice.weights_nk =
        choice.weights_nk *
        at::index_select(expert_scales_, 0, choice.experts_nk.reshape({-1})).view(choice.weights_nk.sizes());
  if (spec_.scale != 1) choice.weights_nk = choice.weights_nk * spec_.scale;
  return choice;
}

at::Tensor MoeLayer::balanced(const at::Tensor& logits_ne, nn::Balance& balance) const {
  // The families that have this loss choose by the logits alone.
  return balance.seen(logits_ne, std::get<1>(at::topk(logits_ne.detach(), spec_.chosen)));
}

at::Tensor MoeLayer::scores_for_choosing(const at::Tensor& scores_ne) const {
  at::Tensor scores = correction_.defined() ? scores_ne + correction_ : scores_ne;
  if (spec_.groups == 1) return scores;
  const at::Tensor by_group = scores.view({scores.size(0), spec_.groups, -1});
  const at::Tensor best = std::get<0>(at::topk(by_group, 2)).sum(-1);
  const at::Tensor groups = std::get<1>(at::topk(best, spec_.groups_chosen));
  const at::Tensor open = at::zeros(best.sizes(), best.options()).scatter_(1, groups, 1);
  return by_group.masked_fill(open.unsqueeze(-1) == 0, 0).reshape(scores.sizes());
}

at::Tensor MoeLayer::expert(std::size_t index, const at::Tensor& x_rd, const Rows& rows) const {
  const nn::Linear &gate = *experts_[3 * index], &up = *experts_[3 * index + 1], &down = *experts_[3 * index + 2];
  const auto halves = rows.through({&gate, &up}, "expert", x_rd);
  return rows.through(down, ops::gated(spec_.act, halves[0], halves[1], spec_.limit));
}

at::Tensor MoeLayer::shared(const at::Tensor& x_nd, const Rows& rows) const {
  at::Tensor made = shared_->run(x_nd, rows);
  if (shared_out_norm_) made = ops::norm(made, *shared_out_norm_);
  return shared_gate_ ? made * at::sigmoid(rows.through(*shared_gate_, x_nd)) : made;
}

}  // namespace pst::model
