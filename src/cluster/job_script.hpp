// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "recipe/slurm_section.hpp"
#include "site/site.hpp"

namespace pst::cluster {

/// What a job script is made from.
struct Job {
  std::string name;     ///< of the run; the job's name
  recipe::Slurm slurm;  ///< as the recipe has it; the site's defaults are put in here
  site::Site site;
  std::filesystem::path run_dir;       ///< absolute
  std::filesystem::path program;       ///< absolute path of peft-studio on the compute nodes
  std::vector<std::string> exports;    ///< names of the environment variables that the job inherits
  std::optional<double> checkpoint_s;  ///< what the run's slowest checkpoint took, once it has made some
};

/// The text given to sbatch. Every value goes through an encoder of encode.hpp, except the site's `setup` lines, which
/// are shell by purpose.
/// @throws Error(usage) naming the value that cannot be written, or every limit of the site that the job is beyond
std::string job_script(const Job& job);

/// site::warning_seconds() of the recipe's time.
std::optional<int> warning_seconds(const recipe::Slurm& slurm, const site::Signal& signal = {},
                                   std::optional<double> checkpoint_s = {});

/// The variables of `environment` ("NAME=value") that a job inherits: a short list (PATH, HOME, LANG, LD_LIBRARY_PATH,
/// ...), the settings of MPI and the network (OMPI_MCA_*, NCCL_*, ...), and the site's `export`. Nothing whose name
/// hints at a secret.
std::vector<std::string> variables_to_export(const std::vector<std::string>& environment,
                                             const std::vector<std::string>& site_exports = {});

/// jobscripts/train.sh.in
const char* job_template();

}  // namespace pst::cluster
