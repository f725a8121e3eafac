// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "methods/frequencies.hpp"

namespace pst::methods {

/// The keys of `type: waveft`. @see Bilican et al. 2025, arXiv:2505.12532
struct Waveft {
  Frequencies frequencies{.n_frequency = 2592};
  double scaling = 25;
  std::string wavelet_family = "db1";
  bool use_idwt = true, proportional_parameters = false, init_weights = true;
};

}  // namespace pst::methods
