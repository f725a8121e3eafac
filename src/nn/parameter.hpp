// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace pst::nn {

/// A trainable tensor. `value` is the f32 master, a leaf of autograd; `compute` is what products use: the master
/// itself, or its bf16 copy.
struct Parameter {
  std::string name;
  std::vector<std::int64_t> shape;
  at::Tensor value, compute;
};

/// All trainable tensors of a model, as windows into one flat f32 array: the optimizer, the all-reduce and the
/// checkpoint see a single buffer. Each window starts on a 64-byte border, the gaps stay zero.
class ParameterSet {
 public:
  static constexpr std::int64_t kBorder = 16;  ///< values of a cache line
  /// Before allocate() only. The reference stays valid as long as the set.
  Parameter& add(std::string name, std::vector<std::int64_t> shape);
  /// Makes the flat array (zeros) and the windows. @param compute at::kFloat or at::kBFloat16
  void allocate(at::ScalarType compute, at::Device device = at::kCPU);

  std::deque<Parameter>& all() { return parameters_; }
  const std::deque<Parameter>& all() const { return parameters_; }
  std::int64_t count() const;                       ///< trainable values, without the gaps
  const at::Tensor& flat() const { return flat_; }  ///< f32 [padded count]
  at::Tensor new_gradient() const;                  ///< f32 zeros like flat()
  /// Lets backward passes add into `gradient` (made by new_gradient), until the next call. The set keeps the windows of
  /// the few gradients that take turns: making them anew takes longer than a GPU's step should wait.
  void accumulate_into(const at::Tensor& gradient);
  /// Call after the masters have changed.
  void refresh_compute();

 private:
  std::deque<Parameter> parameters_;
  std::vector<std::int64_t> offsets_;
  at::Tensor flat_, compute_flat_;

  struct Gradient {
    at::Tensor flat;
    std::vector<at::Tensor> windows;
  };
  static constexpr std::size_t kMostGradients = 32;  // a step of 2^31 micro batches
  const Gradient& windows_of(const at::Tensor& gradient);
  std::vector<Gradient> gradients_;
};

}  // namespace pst::nn
