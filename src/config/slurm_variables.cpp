// SPDX-License-Identifier: Apache-2.0
#include "config/slurm_variables.hpp"

#include <algorithm>

#include "core/strings.hpp"

namespace pst::config {
namespace {

using Names = std::initializer_list<std::string_view>;

bool is_among(std::string_view name, Names names) { return std::find(names.begin(), names.end(), name) != names.end(); }

bool begins_with(std::string_view name, Names prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](auto prefix) { return name.starts_with(prefix); });
}

std::string_view file_name(std::string_view program) { return program.substr(program.rfind('/') + 1); }

/// Commands that ask and submit. Each reads options from variables that begin with its own name.
bool asks_or_submits(std::string_view program) {
  return is_among(program, {"sbatch", "squeue", "scontrol", "scancel", "sinfo", "sacct", "sacctmgr", "sprio", "sshare",
                            "sstat", "sdiag", "sreport", "sbcast"});
}

/// srun, and what calls it. `env` stands before launchers whose signals have to be set.
bool starts_steps(std::string_view program) { return is_among(program, {"srun", "mpirun", "mpiexec", "ibrun", "env"}); }

/// SQUEUE_PARTITION, SBATCH_QOS ...: options of a command, by its name.
bool is_option_by_prefix(std::string_view variable) {
  return begins_with(variable, {"SBATCH_", "SRUN_", "SALLOC_", "SQUEUE_", "SINFO_", "SACCT_", "SACCTMGR_", "SCANCEL_",
                                "SCONTROL_", "SPRIO_", "SSHARE_", "SSTAT_", "SDIAG_", "SREPORT_", "SBCAST_"});
}

/// Options of srun that share the prefix of what Slurm tells a job, which srun needs. Slurm itself sets none of them in
/// a job whose script does not ask for it, so one that is there comes from a shell or a module.
bool is_option_of_srun(std::string_view variable) {
  return is_among(variable, {"SLURM_BCAST",        "SLURM_COMPRESS",       "SLURM_DEBUG",
                             "SLURM_EPILOG",       "SLURM_EXACT",          "SLURM_EXCLUSIVE",
                             "SLURM_EXIT_ERROR",   "SLURM_EXIT_IMMEDIATE", "SLURM_IMMEDIATE",
                             "SLURM_JSON",         "SLURM_KILL_BAD_EXIT",  "SLURM_LABELIO",
                             "SLURM_MPI_TYPE",     "SLURM_MULTI_PROG",     "SLURM_NO_KILL",
                             "SLURM_OPEN_MODE",    "SLURM_PROLOG",         "SLURM_QUIT_ON_INTERRUPT",
                             "SLURM_REMOTE_CWD",   "SLURM_SPREAD_JOB",     "SLURM_STDERRMODE",
                             "SLURM_STDINMODE",    "SLURM_STDOUTMODE",     "SLURM_STEP_KILLED_MSG_NODE_ID",
                             "SLURM_TASK_EPILOG",  "SLURM_TASK_PROLOG",    "SLURM_TEST_EXEC",
                             "SLURM_THREADS",      "SLURM_TIMELIMIT",      "SLURM_TIME_FORMAT",
                             "SLURM_UNBUFFEREDIO", "SLURM_USE_MIN_NODES",  "SLURM_WAIT",
                             "SLURM_WAIT4SWITCH",  "SLURM_WHOLE",          "SLURM_WORKING_DIR",
                             "SLURM_YAML"});
}

bool is_slurms(std::string_view variable) {
  return is_option_by_prefix(variable) || begins_with(variable, {"SLURM_", "_SLURM_SPANK_", "SPANK_"});
}

}  // namespace

bool is_address_of_slurm(std::string_view variable) {
  return is_among(variable, {"SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT", "SLURM_SACK_SOCKET"});
}

bool is_given(std::string_view program, std::string_view variable) {
  const auto name = file_name(program);
  if (asks_or_submits(name)) return !is_slurms(variable) || is_address_of_slurm(variable);
  if (starts_steps(name)) return !is_option_by_prefix(variable) && !is_option_of_srun(variable);
  return true;
}

std::vector<std::string> withheld_options(const std::vector<std::string>& environment) {
  std::vector<std::string> names;
  for (const std::string& entry : environment) {
    std::string name = entry.substr(0, entry.find('='));
    if (is_option_by_prefix(name) || is_option_of_srun(name)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace pst::config
