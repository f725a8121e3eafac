// SPDX-License-Identifier: Apache-2.0
#include "train/kept_weights.hpp"

#include <ATen/core/Tensor.h>

#include <algorithm>

#include "parallel/share_exchange.hpp"

namespace pst::train {

KeptWeights::KeptWeights(const recipe::Train& settings, nn::ParameterSet& parameters,
                         const parallel::FlatShares& shares, parallel::Range mine)
    : ema_(settings.ema), parameters_(parameters), shares_(shares), mine_(mine) {
  if (ema_.decay) state_.push_back({"ema", average_ = masters().clone()});
  if (recipe::keeps_best(settings)) state_.push_back({"best", best_ = masters().clone()});
}

at::Tensor KeptWeights::masters() const {
  return parameters_.flat().narrow(0, mine_.begin - parameters_.begin(), mine_.size());
}

at::Tensor KeptWeights::products() const { return parameters_.flat_compute().narrow(0, mine_.begin, mine_.size()); }

void KeptWeights::spread(parallel::ExchangeBuffers& buffers) {
  if (shares_.ranks() > 1) parallel::gather_shares(parameters_.flat_compute(), shares_, buffers);
}

void KeptWeights::follow(std::int64_t updates) {
  if (!average_.defined()) return;
  at::NoGradGuard no_gradients;
  const at::Tensor values = masters();
  if (updates <= std::max<std::int64_t>(1, ema_.update_after_step)) {
    average_.copy_(values);
    return;
  }
  // value + decay * (average - value), an operation at a time: each rounds once, so a place has the same bits wherever
  // in an array it lies, and in whichever share.
  average_.sub_(values).mul_(*ema_.decay).add_(values);
}

void KeptWeights::evaluated(parallel::ExchangeBuffers& buffers, const std::function<void()>& body) {
  if (!average_.defined()) return body();
  at::NoGradGuard no_gradients;
  const at::Tensor trained = products().clone();
  products().copy_(average_);
  spread(buffers);
  body();
  products().copy_(trained);
  spread(buffers);
}

void KeptWeights::keep_best() {
  if (!best_.defined()) return;
  at::NoGradGuard no_gradients;
  best_.copy_(average_.defined() ? average_ : masters());
}

void KeptWeights::become_result(parallel::ExchangeBuffers& buffers) {
  const at::Tensor& result = best_.defined() ? best_ : average_;
  if (!result.defined()) return;
  at::NoGradGuard no_gradients;
  masters().copy_(result);
  parameters_.refresh_compute();
  spread(buffers);
}

}  // namespace pst::train
