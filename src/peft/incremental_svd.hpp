// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pst::peft {

/// The directions in which rows vary most, found batch by batch: after each, those of the rows seen so far, from the
/// former directions, the new rows and the shift of the mean. The same steps, dtypes and random numbers as PEFT's
/// incremental PCA, so that the directions are PEFT's too.
/// @see Ross et al. 2008, "Incremental learning for robust visual tracking", section 3.2
class IncrementalSvd {
 public:
  /// @param components  directions to keep: at most the features of a row, and the rows of every batch
  explicit IncrementalSvd(std::int64_t components) : components_(components) {}
  /// @param rows_ni  at least `components` rows
  void add(const at::Tensor& rows_ni);

  bool begun() const { return v_ki_.defined(); }
  // Of as many as there are components, largest first. Undefined before the first batch.
  const at::Tensor& directions() const { return v_ki_; }          ///< [k, features], orthogonal rows of length 1
  const at::Tensor& singular_values() const { return s_k_; }      ///< [k]
  const at::Tensor& explained_share() const { return share_k_; }  ///< [k], of the variance of all features

 private:
  std::int64_t components_, seen_ = 0;
  at::Tensor v_ki_, s_k_, share_k_;
  at::Tensor mean_i_, variance_i_;  // f64
};

}  // namespace pst::peft
