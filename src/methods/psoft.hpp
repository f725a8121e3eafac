// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace pst::methods {

enum class PsoftInit { psoft_init, pissa_init };
enum class PsoftSvd { full, lowrank };

/// The keys of `type: psoft`. @see Wu et al. 2025, arXiv:2505.11235
struct Psoft {
  int r = 32;
  double psoft_alpha = 32, psoft_dropout = 0;
  PsoftInit ab_svd_init = PsoftInit::psoft_init;
  PsoftSvd psoft_svd = PsoftSvd::full;
  int psoft_svd_lowrank_niter = 10;
  std::int64_t random_seed = 0;
  bool psoft_orth = true, psoft_mag_b = true, psoft_mag_a = true;
  bool use_cayley_neumann = false;
  int num_cayley_neumann_terms = 5;
  std::optional<double> cayley_neumann_eps;
};
std::vector<std::pair<const char*, PsoftInit>> words_of(PsoftInit);
std::vector<std::pair<const char*, PsoftSvd>> words_of(PsoftSvd);

}  // namespace pst::methods
