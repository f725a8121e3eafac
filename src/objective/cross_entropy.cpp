// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>

#include "core/trace.hpp"
#include "kernels/cross_entropy/chunk_rows.hpp"
#include "kernels/cross_entropy/cross_entropy.hpp"
#include "objective/objective.hpp"
#include "ops/torch_exec.hpp"

// Shape letters: n rows (tokens), m labelled rows, c rows of a chunk, d hidden, v vocabulary.
namespace pst::objective {
namespace {

std::int64_t chunk_rows(std::int64_t vocabulary, const at::Tensor& hidden_nd) {
  return kernels::chunk_rows(vocabulary, static_cast<std::int64_t>(hidden_nd.element_size()),
                             ops::exec_of(hidden_nd).device.kind);
}

/// Calls body(first row, end row) for the chunks of `rows`.
template <class Body>
void in_chunks(std::int64_t rows, std::int64_t size, Body&& body) {
  for (std::int64_t begin = 0; begin < rows; begin += size) body(begin, std::min(rows, begin + size));
}

double sum_in_order(const at::Tensor& losses_m) {
  const at::Tensor here_m = losses_m.cpu();  // itself, where it is on a CPU
  double sum = 0;
  for (const float loss : ops::view_of(here_m).as<float>()) sum += static_cast<double>(loss);
  return sum;
}

class CrossEntropy final : public Objective {
 public:
  explicit CrossEntropy(double smoothing) : smoothing_(smoothing) {}
  std::int64_t weight(const data::RowTotals& rows) const override { return rows.labelled; }
  double value(const Scorer& scorer, const nn::Batch& batch) const override;
  double backward(const Scorer& scorer, const nn::Batch& batch, double scale) const override;

 private:
  double smoothing_;
};

double CrossEntropy::value(const Scorer& scorer, const nn::Batch& batch) const {
  at::NoGradGuard no_gradients;
  const nn::CausalLm& model = scorer.model();
  const at::Tensor hidden_nd = scorer.hidden(batch);
  const at::Tensor losses_m = at::empty({batch.labelled()}, hidden_nd.options().dtype(at::kFloat).requires_grad(false));
  in_chunks(batch.labelled(), chunk_rows(model.vocabulary(), hidden_nd), [&](std::int64_t begin, std::int64_t end) {
    const trace::Scope span(trace::Kind::head, "head");
    const at::Tensor rows_cd = at::index_select(hidden_nd, 0, batch.label_rows.slice(0, begin, end));
    const at::Tensor logits_cv = model.logits(rows_cd);
    kernels::cross_entropy(ops::exec_of(logits_cv), ops::view_of(logits_cv),
                           ops::view_of(batch.targets.slice(0, begin, end)),
                           ops::view_of(losses_m.slice(0, begin, end)), kernels::Gradient::none, 0);
  });
  return sum_in_order(losses_m);
}

double CrossEntropy::backward(const Scorer& scorer, const nn::Batch& batch, double scale) const {
  const nn::CausalLm& model = scorer.model();
  const at::Tensor hidden_nd = scorer.hidden(batch);
  if (batch.labelled() == 0) {
    // No label, but experts to balance; or where weights are spread over the ranks, the others' backward pass needs
    // this one's.
    if (scorer.balances() || !model.frozen().always_there()) hidden_nd.backward(at::zeros_like(hidden_nd.detach()));
    return 0;
  }
  const at::Tensor losses_m = at::empty({batch.labelled()}, hidden_nd.options().dtype(at::kFloat).requires_grad(false));
  const at::Tensor dhidden_nd = at::zeros_like(hidden_nd.detach());
  in_chunks(batch.labelled(), chunk_rows(model.vocabulary(), hidden_nd), [&](std::int64_t begin, std::int64_t end) {
    const trace::Scope span(trace::Kind::head, "head");
    const at::Tensor rows = batch.label_rows.slice(0, begin, end);
    // A leaf of its own, so that the head's node (and an adapter on the head) runs backward chunk by chunk.
    const at::Tensor rows_cd = at::index_select(hidden_nd.detach(), 0, rows).set_requires_grad(true);
    const at::Tensor logits_cv = model.logits(rows_cd);
    const at::Tensor dlogits_cv =
        logits_cv.detach();  // the same memory: cross entropy turns logits into their gradient
    kernels::cross_entropy(ops::exec_of(dlogits_cv), ops::view_of(dlogits_cv),
                           ops::view_of(batch.targets.slice(0, begin, end)),
                           ops::view_of(losses_m.slice(0, begin, end)), kernels::Gradient::in_place, scale, smoothing_);
    logits_cv.backward(dlogits_cv);
    dhidden_nd.index_copy_(0, rows, rows_cd.grad());  // every labelled row is one row: nothing is added twice
  });
  hidden_nd.backward(dhidden_nd);
  return sum_in_order(losses_m);
}

}  // namespace

std::unique_ptr<Objective> cross_entropy(double smoothing) { return std::make_unique<CrossEntropy>(smoothing); }

}  // namespace pst::objective
