// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "nn/causal_lm.hpp"
#include "peft/adapter.hpp"
#include "support/adapters.hpp"
#include "support/tensors.hpp"
#include "support/tiny_model.hpp"

namespace pst::fixture {

/// Sizes that are no multiples of one another, biases, grouped queries, a head of its own.
inline TinyModel awkward_model(std::int64_t layers) {
  return {.hidden = 36,
          .layers = layers,
          .heads = 6,
          .kv_heads = 2,
          .intermediate = 50,
          .head_dim = 10,
          .attention_bias = true,
          .mlp_bias = true,
          .tied = false};
}

struct AdapterPass {
  at::Tensor hidden, gradient;  ///< [tokens, hidden]; of the adapter, flat
};

/// Forward and backward of a fresh adapter around a model of 320 tokens, over four documents: a pure function of the
/// model's values.
inline AdapterPass adapter_pass(nn::CausalLm& model, at::ScalarType compute = at::kFloat,
                                nn::Recompute recompute = nn::Recompute::nothing) {
  const Tokens tokens({7, 19, 1, 30}, 260, 1);
  const nn::Batch batch = nn::make_batch(tokens.spans(), 320);
  const auto made = peft::make_adapter(model, lora({.r = 4}), compute);
  peft::Adapter& adapter = *made;
  adapter.initialise(7);
  adapter.parameters().flat().add_(0.01);  // so that B is not zero and A gets gradients
  adapter.parameters().refresh_compute();
  AdapterPass outcome{.gradient = adapter.parameters().new_gradient()};
  adapter.parameters().accumulate_into(outcome.gradient);
  const at::Tensor hidden = model.forward(batch, {.training = true, .random = Rng(1)}, recompute);
  hidden.backward(random({hidden.size(0), hidden.size(1)}, 3, compute));
  outcome.hidden = hidden.detach();
  return outcome;
}

}  // namespace pst::fixture
