// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <initializer_list>

#include "core/view.hpp"
#include "plan/machine.hpp"
#include "recipe/optimizers.hpp"

namespace pst::plan {

/// What a training step is made of, as coarse as the code that the probe can time by itself. Sizes in brackets.
enum class Op {
  adapter_forward,     ///< [tokens, in, out, rank]: peft::low_rank_layer()
  adapter_backward,    ///< the same
  linear_forward,      ///< [tokens, in, out]: nn::DenseLinear without an adapter
  linear_backward,     ///< the same
  head_forward,        ///< [rows, in, vocabulary]
  head_backward,       ///< the same
  cross_entropy,       ///< [values]: logits into their gradient
  attention_forward,   ///< [length, head width, query heads of one key/value head]: one document, one key/value head
  attention_backward,  ///< the same
  rms_norm_forward,    ///< [values], with the residual addition; as all below
  rms_norm_backward,
  swiglu_forward,
  swiglu_backward,
  rope,
  dropout,
  embed,
  grad_add,  ///< two gradients of one tensor meeting
  zero,      ///< f32, as all below
  tree_add,
  sum_squares,
  adamw,       ///< an update by it; other optimizers are taken from it
  refresh,     ///< masters to bf16
  all_reduce,  ///< among the ranks of the layout
};
const char* name_of(Op op);
std::size_t axes_of(Op op);
std::vector<Op> all_ops();

enum class Dtype { f32, bf16 };
const char* name_of(Dtype dtype);
inline std::int64_t value_bytes(Dtype dtype) { return dtype == Dtype::bf16 ? 2 : 4; }
/// "adapter_forward.bf16"; what works on f32 only has no ending.
std::string table_name(Op op, Dtype dtype);

/// Seconds of an operation on one rank: from what was measured, else from the roofline.
class Costs {
 public:
  /// @throws Error(usage) when the machine has neither tables for it nor a roofline
  Costs(const Machine& machine, int ranks, int threads, Dtype dtype);
  double operator()(Op op, std::initializer_list<double> sizes) const;
  /// Of an optimizer's update of `values` trained values: as long as AdamW's, which is what probes measure, in the
  /// ratio of the values that they move.
  double update(const recipe::Optimizer& optimizer, double values) const;
  int threads() const { return threads_; }
  bool measured() const { return layout_ != nullptr; }
  DeviceKind device() const { return machine_.is_gpu ? DeviceKind::cuda : DeviceKind::cpu; }
  /// Seconds more, so a negative number, of multiplying in 8-bit floats instead of in bf16, and seconds of moving
  /// bytes: by the roofline; 0 without one, or without 8-bit floats.
  double fp8_flops_s(double flops) const;
  double bytes_s(double bytes) const;
  double layer_overhead_s() const { return layout_ != nullptr ? layout_->layer_overhead_s : 0; }
  /// Where the figures come from, for people; with the scaling where the layout is another.
  std::string source() const;

 private:
  const Machine& machine_;
  const Layout* layout_;
  int ranks_, threads_;
  Dtype dtype_;
  double slower_ = 1;  // by fewer threads than were measured
  std::vector<const Table*> tables_;
};

}  // namespace pst::plan
