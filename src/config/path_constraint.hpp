// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "config/constraint.hpp"

namespace pst::config {

/// A file or folder: not empty, no `~`, which only a shell expands.
Constraint path();

}  // namespace pst::config
