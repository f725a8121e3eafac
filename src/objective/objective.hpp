// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <utility>

#include "data/row_totals.hpp"
#include "nn/balance.hpp"
#include "nn/causal_lm.hpp"

namespace pst::objective {

/// The model as a step runs it.
class Scorer {
 public:
  /// @param forwarded  called after each pass forward, so that the loop can tell its time from backward's
  Scorer(const nn::CausalLm& model, nn::Pass pass, nn::Recompute recompute, std::function<void()> forwarded = {})
      : model_(model), pass_(std::move(pass)), recompute_(recompute), forwarded_(std::move(forwarded)) {}

  const nn::CausalLm& model() const { return model_; }
  /// Whether a pass has more to learn from than its labels.
  bool balances() const { return pass_.balance != nullptr; }
  /// @return [n, hidden], see nn::CausalLm::forward()
  at::Tensor hidden(const nn::Batch& batch) const {
    at::Tensor hidden = model_.forward(batch, pass_, recompute_);
    if (pass_.balance) pass_.balance->close();
    if (forwarded_) forwarded_();
    return hidden;
  }

 private:
  const nn::CausalLm& model_;
  nn::Pass pass_;
  nn::Recompute recompute_;
  std::function<void()> forwarded_;
};

/// What is learned: labels, head, scale and gradient meet here and nowhere else. A step's loss is the sum of its micro
/// batches' values over the sum of their weights. The loss that balances experts is not part of these (nn::Balance).
class Objective {
 public:
  virtual ~Objective() = default;
  /// What rows with these totals add to the denominator of a step.
  virtual std::int64_t weight(const data::RowTotals& rows) const = 0;
  /// The batch's undivided loss, as a validation reports it.
  virtual double value(const Scorer& scorer, const nn::Batch& batch) const = 0;
  /// The loss as it is learned, and the gradient of `scale` times it propagated into the parameters. Where frozen
  /// weights are spread over ranks it runs the model also for a batch with nothing to learn, because the others' passes
  /// need this rank's.
  /// @param scale  1 / the step's weight
  virtual double backward(const Scorer& scorer, const nn::Batch& batch, double scale) const = 0;
};

/// Sum over the batch's targets of -log p(target), weighed by their number: the mean over all labelled tokens of a
/// step. The head and the cross entropy run over chunks of labelled rows, so that logits never exist in full, and rows
/// without a label never meet the head.
/// @param smoothing  share of each label that backward() spreads over the vocabulary, in [0, 1). value() is the plain
///                   loss: what one says of a model does not depend on how it was taught
std::unique_ptr<Objective> cross_entropy(double smoothing = 0);

}  // namespace pst::objective
