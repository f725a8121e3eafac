// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::methods {

/// The keys of `type: hra`. @see Yuan et al. 2024, arXiv:2405.17484
struct Hra {
  int r = 8;
  bool apply_GS = false;
};

}  // namespace pst::methods
