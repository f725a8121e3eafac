// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <initializer_list>
#include <memory>
#include <vector>

#include "model/prompted.hpp"
#include "nn/causal_lm.hpp"
#include "ops/attention.hpp"

namespace pst::model {

/// Sequences that a pass continues, and where their keys and values are.
struct Continuation {
  std::vector<ops::PagedRows> rows;      ///< of the pass, of each sequence
  std::vector<nn::Sequence*> sequences;  ///< likewise
  nn::KvPages* pages;
};

/// What the rows of a pass are: whole documents, or the next ones of sequences whose keys and values are kept.
struct Rows {
  ops::Documents documents;
  const Continuation* continued = nullptr;
  nn::Pass pass = {};
  /// Rows of each rotary table that the rows turn by, as ModelSpec::ropes has the tables: i32 [n].
  std::vector<at::Tensor> angles = {};
  /// Keys and values before each document's own, and the stream that they stand in; null: none.
  const nn::VirtualKeys* virtual_keys = nullptr;
  std::shared_ptr<const Prompted> prompted = nullptr;

  /// Few rows without gradients have products of their own (nn::Linear::apply), where all of them are alike.
  bool are_few() const { return continued != nullptr && !pass.active.defined(); }
  at::Tensor through(const nn::Linear& linear, const at::Tensor& x) const {
    return are_few() ? linear.apply(x) : linear.forward(x, pass);
  }
  /// What layers that read the same rows make of them.
  std::vector<at::Tensor> through(const std::vector<const nn::Linear*>& linears, const char* name,
                                  const at::Tensor& x) const {
    if (!are_few()) return linears.front()->forward_together(linears, name, x, pass);
    std::vector<at::Tensor> outputs;
    for (const nn::Linear* const linear : linears) outputs.push_back(linear->apply(x));
    return outputs;
  }
};

}  // namespace pst::model
