// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::runs {

/// Cores that this process may use, which on a shared machine is less than there are.
int usable_cores();

}  // namespace pst::runs
