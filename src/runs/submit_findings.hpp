// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "cluster/quota.hpp"
#include "cluster/slurm_limits.hpp"
#include "core/error.hpp"
#include "recipe/recipe.hpp"

namespace pst::runs {

/// One line of `submit --check`.
struct Finding {
  enum class Kind { ok, note, wrong } kind = Kind::ok;
  std::string text, remedy;
  Fault fault = Fault::usage;  ///< of `wrong`
};

/// Variables of the submitting shell: those that Slurm would have taken for options of the job and is not given, and
/// the account and the cluster where they come from one.
/// @param environment  "NAME=value"
std::vector<Finding> about_variables(const std::vector<std::string>& environment, const recipe::Slurm& slurm);

/// sbatch's answer. @param trial of the job script
Finding about_trial(const cluster::Trial& trial);
/// What the partition allows against what the recipe asks for.
std::vector<Finding> about_partition(const recipe::Slurm& slurm, const cluster::Partition& partition);
/// The accounting database's limits. @param limits  nothing where no database answers
Finding about_associations(const std::optional<std::vector<std::string>>& limits);
Finding about_queue(const std::string& partition);

/// @param free_bytes  where the runs are made
Finding about_disk(const std::string& folder, std::uint64_t needed_bytes, std::uint64_t free_bytes);

/// @param free  file names that the file system still has; nothing where it counts none
Finding about_files(const std::string& folder, std::uint64_t needed, std::optional<std::uint64_t> free);
Finding about_quota(const cluster::QuotaAnswer& answer, std::uint64_t needed_bytes, std::uint64_t needed_files);

/// What the checkpoints and the adapter of a run come to.
std::uint64_t bytes_of_a_run(const recipe::Recipe& recipe);
/// Files of a run, rounded up: its records, logs and kept checkpoints, each with a file for every rank.
std::uint64_t files_of_a_run(const recipe::Recipe& recipe);

}  // namespace pst::runs
