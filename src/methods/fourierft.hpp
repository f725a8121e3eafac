// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "methods/frequencies.hpp"

namespace pst::methods {

/// The keys of `type: fourierft`. @see Gao et al. 2024, arXiv:2405.03003
struct Fourierft {
  Frequencies frequencies;
  double scaling = 150;
  bool init_weights = false;
};

}  // namespace pst::methods
