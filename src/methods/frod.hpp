// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "methods/method.hpp"

namespace pst::methods {

/// The keys of `type: frod`.
struct Frod {
  std::int64_t projection_prng_key = 0;
  double frod_dropout = 0, sparse_rate = 0.01, regularization_alpha = 1e-3;
};

/// What layers have in common that share a basis: PEFT's word made of the end of their names, self_attn_q_proj.
std::string frod_category(const std::string& layer);

/// Layers of one category.
struct FrodGroup {
  std::string category;
  std::int64_t in = 0, places = 0;   ///< inputs; values of the sparse matrix that are trained
  std::vector<std::size_t> adapted;  ///< among the adapted layers, in their order
};
/// In the order in which PEFT draws their places. @throws Error(usage) where layers of one category have other inputs
std::vector<FrodGroup> frod_groups(const Frod& keys, const std::vector<LinearLayer>& layers,
                                   const std::vector<Adapted>& adapted);

}  // namespace pst::methods
