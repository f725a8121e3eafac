// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "config/constraint.hpp"
#include "config/slurm_words.hpp"

namespace pst::recipe {

/// A file or folder: not empty, no `~`, which only a shell expands.
config::Constraint path();
using config::directive_word;

}  // namespace pst::recipe
