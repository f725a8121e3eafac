// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "recipe/recipe.hpp"
#include "rundir/run_dir.hpp"
#include "site/find_profile.hpp"

namespace pst::runs {

/// Where profiles are looked for on this machine, by this program.
std::vector<std::filesystem::path> site_folders();

/// The profile that the recipe names, or the one that fits this host. @throws Error(usage)
site::Choice site_for(const recipe::Recipe& recipe);

/// The one that was kept with the run when it was submitted; the defaults for a run without.
site::Site site_of(const rundir::RunDir& run);

/// "NAME=value" of this process.
std::vector<std::string> environment_here();

/// job.sh of a run, for this program and with what of this process's environment a job needs.
/// @throws Error(usage) with every limit of the site that the job is beyond, and for a secrets file that cannot be used
std::string job_script_for(const recipe::Recipe& recipe, const site::Site& site, const std::filesystem::path& run_dir);

/// What the slowest checkpoint of a run has taken so far, in seconds: snapshot, writing and commit.
std::optional<double> slowest_checkpoint_s(const rundir::RunDir& run);

/// site.yaml and job.sh of a run.
void write_job(const rundir::RunDir& run, const recipe::Recipe& recipe, const site::Site& site);

}  // namespace pst::runs
