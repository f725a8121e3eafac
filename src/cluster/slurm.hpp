// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Slurm through its commands: sbatch, squeue, scontrol, scancel. No slurmdbd is needed.
namespace pst::cluster {

struct JobState {
  /// Slurm's word: PENDING, RUNNING, COMPLETED, CANCELLED, TIMEOUT, NODE_FAIL, ...; REQUEUED where its processes are
  /// being ended and it then goes back into the queue, which Slurm calls COMPLETING like any other end.
  std::string state;
  std::string reason;  ///< Resources, Priority, ...; empty when Slurm gives none
};

/// What is said on sbatch's command line, where it wins over the script's directives.
struct SubmitOptions {
  std::vector<std::string> after;  ///< jobs that must have ended, however they ended, before this one starts
  std::vector<int> array;          ///< elements of a job array, in rising order; empty: no array
  std::optional<int> at_once;      ///< of its elements
  std::string output;              ///< pattern of the job's log; empty: the script's own
  std::vector<std::string> known;  ///< jobs that the same script was submitted as before
  /// When to look for a job whose submission had no clear answer: a busy controller lists it a little later.
  std::vector<double> look_after_s = {0, 2, 5};
};

/// The same as words: --dependency=afterany:12:13 --array=0-3,7%2 --output=...
/// @throws Error(data) for something that is no job's number
std::vector<std::string> sbatch_words(const SubmitOptions& options);

/// Where sbatch leaves open whether it took the job (a time-out, no number among what it prints), the queue is asked.
/// @return the job's id. @throws Error with Slurm's words: (usage) when it refuses the job, (transient) when its
/// controller does not answer, saying whether a job may be there all the same, (unfit) without sbatch
std::string submit(const std::filesystem::path& script, const SubmitOptions& options = {});

/// The number in what `sbatch --parsable` printed, whatever a site's plugin or wrapper wrote around it: a line "12" or
/// "12;cluster", or "Submitted batch job 12 on cluster x". Nothing where there is none, or where two differ.
std::optional<std::string> job_number(const std::string& printed);

/// Jobs of this user that wait or run and were submitted as this script, oldest first; of an array its own number.
/// @throws Error(transient) when Slurm does not answer
std::vector<std::string> queued_jobs_of(const std::filesystem::path& script);

/// "12", or "12_3" for element 3 of a job array.
bool is_job_id(std::string_view text);

/// The jobs among `ids` that Slurm still knows: queued, running, or ended a short while ago (MinJobAge, 5 minutes).
/// @throws Error(transient) when it does not answer, Error(unfit) without Slurm
std::map<std::string, JobState> job_states(const std::vector<std::string>& ids);

/// All in one call; one that has ended already is no mistake. @throws Error with Slurm's words
void cancel(const std::vector<std::string>& job_ids);
inline void cancel(const std::string& job_id) { cancel(std::vector{job_id}); }

/// Sends SIGUSR2 to the job's script, as Slurm does ahead of the time limit. @throws Error with Slurm's words
void warn(const std::string& job_id);

bool is_active(const JobState& job);       ///< it has not ended: pending, running, completing ...
std::string to_text(const JobState& job);  ///< "PENDING (Resources)"

/// Whether Slurm speaks of trouble on its own side, which may be over in a minute; anything else is about the job.
bool is_transient(const std::string& words);

/// Throws what Slurm said when it refused something: (transient) when its controller is in trouble, else (usage).
[[noreturn]] void refuse(const std::string& what, const std::string& words);

/// What a user without Slurm's commands can do.
extern const char* const kWithoutSlurm;

}  // namespace pst::cluster
