// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "families/spec.hpp"
#include "plan/memory.hpp"
#include "plan/step_time.hpp"
#include "recipe/recipe.hpp"
#include "site/site.hpp"

namespace pst::plan {

/// What is known of a site. What is absent is not guessed: the plan then says nothing about it.
struct SiteFacts {
  std::string name;
  std::optional<double> price_per_node_hour;
  std::string currency;
  std::optional<double> node_watts;
  std::optional<double> walltime_s;       ///< of one job, unless the recipe asks for less
  std::optional<double> node_mtbf_hours;  ///< mean time between failures of one node
  std::optional<std::uint64_t> node_memory_bytes;
  site::Signal signal;  ///< when a job is warned of its end
};

/// All that a plan is made from.
struct Inputs {
  recipe::Recipe recipe;
  families::ModelSpec config;
  std::uint64_t weight_file_bytes = 0;  ///< 0: the folder holds only config.json
  bool weights_are_here = true;
  Work work;
  Machine machine;
  SiteFacts site;
};

/// A value that was left to us, or was given, and why it is what it is.
struct Decision {
  std::string key, value, reason;
};

/// What a checkpoint costs, and failures.
struct Saving {
  double snapshot_s = 0;  ///< that the step loop waits
  double write_s = 0;     ///< behind training; 0 where the disk was not measured
  double bytes = 0;       ///< of all ranks
  double interval_s = 0;
  std::string reason;
  double job_mtbf_s = 0;
  double lost_share = 0;  ///< of the time: waiting for snapshots, repeating, starting again
};

struct Prediction {
  Choice choice;
  bool is_timed = true;  ///< false: nothing is known of the machine's speed, and all times are 0
  ModelShape model;
  MicroBatch largest;
  Memory memory;
  double memory_limit = 0;        ///< bytes that this rank may use; 0: unknown
  bool fits = true;               ///< peak with kMargin below the limit
  StepTime step;                  ///< mean over the run
  std::vector<double> sampled_s;  ///< of each step that was looked at: the first ones of a short run, all of them
  double tokens_per_s = 0, flops_per_token = 0;
  double start_s = 0, evaluation_s = 0, checkpoint_s = 0;
  double total_s = 0;     ///< without failures
  double expected_s = 0;  ///< with the failures to be expected
  double node_hours = 0;
  std::optional<double> kilowatt_hours, money;
  std::optional<std::int64_t> jobs;  ///< of the walltime; absent when that is unlimited
  Saving saving;
  std::string machine_source;
};

/// Resident bytes of a rank without a model, where that was not measured on a CPU: programs and libraries, rounded up
/// from what probes have seen.
constexpr double kAssumedBaselineBytes = 400e6;

/// A plan says `fits` only with this much room: what the memory model was seen to miss (docs/plan.md).
constexpr double kMemoryMargin = 1.3;

/// The choice that the recipe makes, its autos resolved for this machine; each with its reason.
Choice choice_of(const Inputs& in, std::vector<Decision>& decisions);

/// @param most_micro_batches  evaluated at most so many; beyond, evenly spread ones stand for all
Prediction predict(const Inputs& in, const Choice& choice, std::size_t most_micro_batches = 2000);

}  // namespace pst::plan
