// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "methods/data_starts.hpp"
#include "nn/causal_lm.hpp"

namespace pst::peft {

/// EVA: in each layer the directions in which its input varies most, and ranks shared out by how much they explain.
/// A loop of passes over the model, which somebody else runs:
///
///     while (eva.wants_more()) run the model forward over a batch between eva.before(rows) and eva.after();
///
/// @see Paischer et al. 2024, arXiv:2410.07170; PEFT's get_eva_state_dict, whose order of decisions this has
class Eva {
 public:
  /// PEFT goes on for ever; directions of equal weight, which turn among themselves, never settle.
  static constexpr std::int64_t kMostPasses = 2000;
  /// @param layers  of `model`, in its order; the model outlives this
  Eva(nn::CausalLm& model, std::vector<methods::Studied> layers, const methods::EvaConfig& config,
      std::int64_t most_passes = kMostPasses);
  ~Eva();

  /// Whether some layer's directions have not settled.
  bool wants_more();
  /// Looks at the layers' inputs from now on. @param rows  of the batch that comes that count: i64 [m]; undefined: all
  void before(const at::Tensor& rows);
  /// No more. @throws Error(data) when directions do not settle
  void after();

  /// Where A starts, by the layer's name: f32 [rank, in]. A layer without a rank is left out.
  std::map<std::string, at::Tensor> result() const;

 private:
  struct Study;
  struct Watch;
  void look(std::size_t layer, const at::Tensor& x_ni);
  void find_equal_inputs();
  void share_out();
  bool has_settled(std::size_t layer) const;

  nn::CausalLm& model_;
  methods::EvaConfig config_;
  std::vector<methods::Studied> layers_;
  std::vector<Study> studies_;  // as layers_
  std::vector<std::size_t> first_,
      others_;  // of layers_: the first with an input, and those that have an earlier one's
  std::int64_t most_passes_, budget_ = 0, passes_ = 0;
  at::Tensor rows_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace pst::peft
