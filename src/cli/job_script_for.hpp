#pragma once
#include <filesystem>
#include <string>

#include "recipe/recipe.hpp"

namespace pst::cli {

/// job.sh of a run, for this program and with what of this process's environment a job needs.
std::string job_script_for(const recipe::Recipe& recipe, const std::filesystem::path& run_dir);

}  // namespace pst::cli
