// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/linear.hpp"
#include "nn/parameter.hpp"

namespace pst::peft {

struct LoraOptions {
  std::int64_t r = 16;
  double scale = 2;    ///< alpha / r, or alpha / sqrt(r)
  double dropout = 0;  ///< chance of zeroing an input feature before A
};

class LoraLinear;
/// Adapted layers that read the same x, in the model's order.
using LoraGroup = std::vector<const LoraLinear*>;

/// A frozen layer plus a trainable low-rank update: y = W x + scale * B A dropout(x). Wraps any nn::Linear.
/// @see Hu et al. 2021, arXiv:2106.09685, section 4.1
class LoraLinear final : public nn::Linear {
 public:
  /// Declares A [r, in] and B [out, r] in `parameters` under `<name>.lora_A.weight` and `<name>.lora_B.weight`.
  /// @param name    module name of the wrapped layer
  /// @param stream  index of this layer's own random numbers
  LoraLinear(std::unique_ptr<nn::Linear> base, const std::string& name, LoraOptions options, std::uint64_t stream,
             nn::ParameterSet& parameters);
  /// Over an A and a B that are declared already.
  LoraLinear(std::unique_ptr<nn::Linear> base, const std::string& name, LoraOptions options, std::uint64_t stream,
             nn::Parameter& a_ri, nn::Parameter& b_or);
  /// Becomes the last of a group, all of whose layers forward_together() takes at once where it can.
  void join(std::shared_ptr<LoraGroup> group);

  std::int64_t in_features() const override { return base_->in_features(); }
  std::int64_t out_features() const override { return base_->out_features(); }
  at::Tensor weight(at::ScalarType dtype) const override;
  at::Tensor apply(const at::Tensor& x_ni) const override;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override;
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const override;
  std::vector<at::Tensor> forward_together(std::span<const nn::Linear* const> layers, const char* name,
                                           const at::Tensor& x_ni, const nn::Pass& pass) const override;

  const nn::Linear& base() const { return *base_; }
  const LoraOptions& options() const { return options_; }
  nn::Parameter& a() const { return a_ri_; }
  nn::Parameter& b() const { return b_or_; }
  /// x, in training with some of it zeroed; the same values of it for the same pass.
  at::Tensor dropped(const at::Tensor& x_ni, const nn::Pass& pass) const;

 private:
  std::unique_ptr<nn::Linear> base_;
  std::string last_part_;  ///< of the layer's name: "q_proj"
  LoraOptions options_;
  std::uint64_t stream_;
  nn::Parameter& a_ri_;
  nn::Parameter& b_or_;
  std::shared_ptr<LoraGroup> group_;
};

}  // namespace pst::peft
