// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "nn/parameter.hpp"
#include "parallel/exchange_buffers.hpp"
#include "parallel/flat_shares.hpp"
#include "parallel/range.hpp"
#include "recipe/train.hpp"

namespace pst::train {

/// Values that a run keeps beside those that it trains, where the recipe says so: their running average, and those that
/// validated best. Each is an f32 array of the places that this rank updates, and starts with the trained values.
class KeptWeights {
 public:
  /// Parameters and shares outlive this. @param mine  the places of the flat array that this rank updates
  KeptWeights(const recipe::Train& settings, nn::ParameterSet& parameters, const parallel::FlatShares& shares,
              parallel::Range mine);

  struct Array {
    std::string name;  ///< as checkpoints name it: "ema", "best"
    at::Tensor values;
  };
  const std::vector<Array>& state() const { return state_; }
  parallel::Range mine() const { return mine_; }

  /// Takes in the trained values after an update. @param updates  that one's number, from 1
  void follow(std::int64_t updates);
  /// Runs body() while products use what is to be evaluated: the averages, or where there are none, the trained values.
  /// Collective where the values lie in shares.
  void evaluated(parallel::ExchangeBuffers& buffers, const std::function<void()>& body);
  /// What was just evaluated is the best so far.
  void keep_best();
  /// Puts what the run results in, the best values or the averages, in the place of the trained values, for good.
  /// Collective likewise.
  void become_result(parallel::ExchangeBuffers& buffers);

 private:
  at::Tensor masters() const;   // of mine_
  at::Tensor products() const;  // what products use of mine_
  void spread(parallel::ExchangeBuffers& buffers);

  recipe::Ema ema_;
  nn::ParameterSet& parameters_;
  const parallel::FlatShares& shares_;
  parallel::Range mine_;
  std::vector<Array> state_;
  at::Tensor average_, best_;  // undefined: not kept
};

}  // namespace pst::train
