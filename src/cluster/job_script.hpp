#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "recipe/slurm.hpp"

namespace pst::cluster {

/// What a job script is made from.
struct Job {
  std::string name;  ///< of the run; the job's name
  recipe::Slurm slurm;
  std::filesystem::path run_dir;     ///< absolute
  std::filesystem::path program;     ///< absolute path of peft-studio on the compute nodes
  std::vector<std::string> exports;  ///< names of the environment variables that the job inherits
};

/// The text given to sbatch. Every value goes through an encoder of encode.hpp.
/// @throws Error(usage) naming the value that cannot be written
std::string job_script(const Job& job);

/// How long before the time limit Slurm is to send SIGUSR2: for two checkpoints and then some, but at most a third of
/// the time. Nothing without a limit.
std::optional<int> warning_seconds(const recipe::Slurm& slurm);

/// The variables of `environment` ("NAME=value") that a job inherits: a short list (PATH, HOME, LANG, LD_LIBRARY_PATH,
/// ...) and the settings of MPI and the network (OMPI_MCA_*, NCCL_*, ...). Nothing whose name hints at a secret.
std::vector<std::string> variables_to_export(const std::vector<std::string>& environment);

/// jobscripts/train.sh.in
const char* job_template();

}  // namespace pst::cluster
