// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "config/path_constraint.hpp"
#include "config/slurm_words.hpp"

namespace pst::recipe {

using config::directive_word;
using config::path;

}  // namespace pst::recipe
