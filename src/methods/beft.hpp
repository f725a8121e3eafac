// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::methods {

/// `type: beft` has no keys but target_modules. @see Huang et al. 2025, arXiv:2509.15974
struct Beft {};

}  // namespace pst::methods
