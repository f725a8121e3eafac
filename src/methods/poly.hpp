// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::methods {

/// The keys of `type: poly`. @see Ponti et al. 2022, arXiv:2202.13914; Caccia et al. 2022, arXiv:2211.03831
struct Poly {
  int r = 8, n_skills = 4, n_splits = 1;
};

}  // namespace pst::methods
