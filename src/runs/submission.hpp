// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cluster/slurm.hpp"
#include "rundir/sweep_dir.hpp"

namespace pst::runs {

/// What has to be over before a run may start.
struct Before {
  std::vector<std::string> jobs;  ///< of Slurm, to wait for; none when it is over already
  rundir::fs::path run;           ///< must then be completed, or this run does not start; empty: anything will do
};

enum class NeedCompleted { yes, no };

/// The run that another one is to come after.
/// @throws Error(usage) when Slurm cannot wait for it: unknown, or training without Slurm; Error(data) when it has
/// ended without success and `need` is yes
Before come_after(const rundir::RunDir& run, NeedCompleted need);

/// Hands a script to Slurm as `jobs` jobs, each of which waits for the one before; all or none.
/// @param head  jobs that are the chain's first ones and in the queue already
/// @return their ids. @throws as cluster::submit
std::vector<std::string> submit_chain(const rundir::fs::path& script, int jobs, const Before& before,
                                      std::vector<std::string> head = {});

/// Jobs that wait or run for `runs`, submitted as `script`, and that none of them knows: a submission had no answer.
/// @throws Error(transient) when Slurm does not answer
std::vector<std::string> unknown_jobs(const rundir::fs::path& script, const std::vector<rundir::RunDir>& runs);

/// Every job that a run was ever submitted as; of elements of an array the array.
std::vector<std::string> known_jobs(const std::vector<rundir::RunDir>& runs);

/// The details of the event `submitted`.
nlohmann::ordered_json submitted_details(const std::vector<std::string>& jobs, const Before& before);

}  // namespace pst::runs
