// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "kernels/adamw/flat_array.hpp"

namespace pst::nn {

/// A trainable tensor. `value` is the f32 master, a leaf of autograd; `compute` is what products use: the master
/// itself, or its bf16 copy. While its set keeps a share of the masters, `value` is the leaf alone, and reads as zeros.
struct Parameter {
  std::string name;
  std::vector<std::int64_t> shape;
  at::Tensor value, compute;
  std::int64_t offset = 0;  ///< in the flat arrays, after allocate()
  std::int64_t count() const;
};

/// All trainable tensors of a model, as windows into one flat f32 array: the optimizer, the all-reduce and the
/// checkpoint see a single buffer. Each window starts on a border (kernels/adamw/flat_array.hpp).
class ParameterSet {
 public:
  static constexpr std::int64_t kBorder = kernels::kFlatBorder;
  /// Before allocate() only. The reference stays valid as long as the set.
  Parameter& add(std::string name, std::vector<std::int64_t> shape);
  /// Makes the flat array (zeros) and the windows. @param compute at::kFloat or at::kBFloat16
  void allocate(at::ScalarType compute, at::Device device = at::kCPU);

  std::deque<Parameter>& all() { return parameters_; }
  const std::deque<Parameter>& all() const { return parameters_; }
  std::int64_t count() const;                  ///< trainable values, without the gaps
  std::int64_t size() const { return size_; }  ///< of the flat arrays: count() and the gaps
  at::Device device() const { return compute_flat_.device(); }
  /// The f32 masters of places [begin(), end()): all, unless keep() was called.
  const at::Tensor& flat() const { return flat_; }
  std::int64_t begin() const { return begin_; }
  std::int64_t end() const { return begin_ + flat_.numel(); }
  bool has_all() const { return flat_.numel() == size_; }
  /// What products use, of all places [size()]: flat() itself, or its bf16 copies.
  const at::Tensor& flat_compute() const { return compute_flat_; }
  /// Lets go of the masters outside of [begin, end), where products use bf16 copies; nothing happens where they use the
  /// masters. The copies stay, all of them.
  void keep(std::int64_t begin, std::int64_t end);
  /// Has memory for all masters again. Those that were let go are zeros, until somebody brings them.
  void keep_all();
  at::Tensor new_gradient() const;  ///< f32 zeros [size()]
  /// Lets backward passes add into `gradient` (made by new_gradient), until the next call. The set keeps the windows of
  /// the few gradients that take turns: making them anew takes longer than a GPU's step should wait.
  void accumulate_into(const at::Tensor& gradient);
  /// Call after the masters have changed: makes the copies of those that are here.
  void refresh_compute();

 private:
  void make_leaves();

  std::deque<Parameter> parameters_;
  at::Tensor flat_, compute_flat_;
  std::int64_t size_ = 0, begin_ = 0;

  struct Gradient {
    at::Tensor flat;
    std::vector<at::Tensor> windows;
  };
  static constexpr std::size_t kMostGradients = 32;  // a step of 2^31 micro batches
  const Gradient& windows_of(const at::Tensor& gradient);
  std::vector<Gradient> gradients_;
};

}  // namespace pst::nn
