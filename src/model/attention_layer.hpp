// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "families/layer_spec.hpp"
#include "model/parts.hpp"
#include "model/rows.hpp"

namespace pst::model {

/// A table per turning side: queries may grow with their positions.
struct RopeTables {
  ops::RopeTable queries, keys;
};

/// A layer's attention, from the rows it reads to what it adds to the stream.
class AttentionLayer {
 public:
  /// @param linears  its matrices in the order of its spec, the last of them o
  AttentionLayer(const families::AttentionSpec& spec, std::size_t layer, const std::vector<RopeTables>& tables,
                 const Parts& parts, std::vector<std::unique_ptr<nn::Linear>> linears);

  /// Keys and values, behind norms and rotation, that a layer has of another one, and that it gives: undefined where
  /// its spec says neither.
  struct Shared {
    at::Tensor k, v;
  };
  /// @param x  [n, hidden] -> the same
  at::Tensor run(const at::Tensor& x_nd, const Rows& rows, Shared& shared) const;
  std::vector<std::unique_ptr<nn::Linear>*> linears();
  const ops::Heads& heads() const { return heads_; }
  ops::Norm* query_norm();  ///< null: there is none
  ops::Norm* key_norm();

 private:
  struct Parted {
    at::Tensor q, k, v, gate;  ///< gate: undefined where there is none
  };
  Parted part(const at::Tensor& x_nd, const Rows& rows) const;
  void norm_heads(Parted& of) const;
  at::Tensor mixed(Parted of, const Rows& rows, Shared& shared) const;
  at::Tensor mixed_behind_virtual_keys(Parted of, const Rows& rows, const std::optional<ops::Turning>& turn) const;
  at::Tensor mixed_in_pages(const Parted& of, const Rows& rows) const;
  std::optional<ops::Turning> turning(const Rows& rows) const;

  families::AttentionSpec spec_;
  std::size_t layer_;
  ops::Heads heads_;
  std::optional<RopeTables> tables_;
  std::optional<ops::Norm> q_norm_, k_norm_, v_norm_;
  std::vector<std::unique_ptr<nn::Linear>> inputs_;
  std::unique_ptr<nn::Linear> o_;
};

}  // namespace pst::model
