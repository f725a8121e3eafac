// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What Slurm would say to a job, and what it allows: questions only, nothing is submitted.
namespace pst::cluster {

/// What sbatch --test-only says to a script.
struct Trial {
  bool accepted = false;
  std::string words;                 ///< Slurm's own
  std::optional<std::string> start;  ///< when it would start, as things are now: 2026-01-31T12:00:00
  std::string where;                 ///< "on nodes n[1-2] in partition main"; may be empty
};
/// @throws Error(transient) when the controller does not answer, Error(unfit) without sbatch
Trial try_out(const std::string& script);

/// The lines of `scontrol show partition`: MaxTime, State, TotalNodes ...
struct Partition {
  std::string name;
  std::map<std::string, std::string> values;
  std::string value(const std::string& key) const;  ///< empty when Slurm does not say
};
/// @param name  nothing: the default one. Nothing when there is no such partition, or Slurm does not answer
std::optional<Partition> partition(const std::optional<std::string>& name);

/// Jobs that wait in a partition; nothing when Slurm does not answer.
std::optional<int> waiting_jobs(const std::string& partition);

/// The limits of this user's accounts, a line each; nothing when the cluster has no accounting database.
std::optional<std::vector<std::string>> association_limits();

/// What to change when sbatch refuses a job with these words; a general hint when they are not known.
std::string remedy_for_refusal(const std::string& words);

}  // namespace pst::cluster
