#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Slurm through its commands: sbatch, squeue, scontrol, scancel. No slurmdbd is needed.
namespace pst::cluster {

struct JobState {
  std::string state;   ///< Slurm's word: PENDING, RUNNING, COMPLETED, CANCELLED, TIMEOUT, NODE_FAIL, ...
  std::string reason;  ///< Resources, Priority, ...; empty when Slurm gives none
};

/// @return the job's id. @throws Error with Slurm's words: (usage) when it refuses the job, (transient) when its
/// controller
///         does not answer, (unfit) without sbatch
std::string submit(const std::filesystem::path& script);

/// The jobs among `ids` that Slurm still knows: queued, running, or ended a short while ago (MinJobAge, 5 minutes).
/// @throws Error(transient) when it does not answer, Error(unfit) without Slurm
std::map<std::string, JobState> job_states(const std::vector<std::string>& ids);

/// @throws Error with Slurm's words
void cancel(const std::string& job_id);

/// Sends SIGUSR2 to the job's script, as Slurm does ahead of the time limit. @throws Error with Slurm's words
void warn(const std::string& job_id);

bool is_active(const JobState& job);       ///< it has not ended: pending, running, completing ...
std::string to_text(const JobState& job);  ///< "PENDING (Resources)"

}  // namespace pst::cluster
