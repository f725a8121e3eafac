// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "recipe/slurm_section.hpp"
#include "runs/recipe_source.hpp"

namespace pst::cli {

/// Everything that submit would check, then what Slurm and the disk say to it. Creates nothing.
/// @return 0, or the status of the first thing that is wrong: 64 for what the recipe asks for, 69 for the place
int submit_check(const runs::RecipeSource& arguments);

/// To standard error: which variables of this shell a job is given or denied (runs::about_variables).
void tell_about_variables(const recipe::Slurm& slurm);

}  // namespace pst::cli
