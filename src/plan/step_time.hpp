// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "plan/choice.hpp"
#include "plan/model_shape.hpp"
#include "plan/work.hpp"

namespace pst::plan {

/// Seconds by part. `forward` and `backward` hold the linear layers; what else happens there has its own name.
struct StepTime {
  double forward = 0, backward = 0, recompute = 0;
  double attention = 0, elementwise = 0, head = 0, gradient_sum = 0, optimizer = 0;
  double kernels = 0;                     ///< made just in time for sizes of products not met before
  double communication = 0, waiting = 0;  ///< waiting: for the rank with the longest documents
  double total() const {
    return forward + backward + recompute + attention + elementwise + head + gradient_sum + optimizer + kernels +
           communication + waiting;
  }
  StepTime& operator+=(const StepTime& other);
  StepTime scaled(double factor) const;
};

/// One micro batch through the model and back.
class MicroBatchTime {
 public:
  /// @param dropout  of the adapters. The references outlive the object
  MicroBatchTime(const ModelShape& model, const Costs& costs, const Choice& choice, bool dropout);
  StepTime operator()(const MicroBatch& batch) const;
  double evaluation(const MicroBatch& batch) const;  ///< forward and the loss, without adapters' dropout

 private:
  StepTime layers_forward(const MicroBatch& batch, bool dropout) const;
  /// Of all layers.
  double attention(const MicroBatch& batch, Op op) const;
  double attention(const AttentionShape& shape, const MicroBatch& batch, Op op) const;
  const ModelShape& model_;
  const Costs& costs_;
  Choice choice_;
  bool dropout_;
};

/// Tasks of `seconds` each for whoever of `threads` is free, the longest first: when the last one ends.
double makespan(std::vector<double> seconds, int threads);

/// All-reduce of `values` f32 over the ranks of a choice, by what was measured there or by the links.
double all_reduce_seconds(const Machine& machine, const Costs& costs, const Choice& choice, double values);

/// Gathering the frozen weights for one micro batch, where they are in shares: what each rank receives over the slower
/// link between the sharers. It goes on while the rank computes.
double gather_seconds(const Machine& machine, const ModelShape& model, const Choice& choice);

}  // namespace pst::plan
