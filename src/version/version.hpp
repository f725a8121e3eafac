// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst {

/// "0.1.0", or "0.1.0+3ea5b3d" when built from a git checkout ("-dirty" when that had changes).
const char* version();

}  // namespace pst
