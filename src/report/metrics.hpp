// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "report/histogram.hpp"
#include "rundir/run_dir.hpp"
#include "telemetry/step_line.hpp"

namespace pst::report {

using Phases = std::array<std::int64_t, telemetry::kStepPhases>;  ///< microseconds

/// A step of one attempt, all ranks together.
struct Step {
  std::int64_t step = 0;
  double ended = 0;  ///< Unix time by rank 0's clock
  double loss = 0, lr = 0, grad_norm = 0;
  std::int64_t rows = 0, tokens = 0, labelled_tokens = 0, attention_pairs = 0;
  bool skipped = false, has_values = false;
  std::int64_t step_us = 0;                    ///< of the rank that took longest
  int ranks = 0;                               ///< that told their times
  Phases phase_us{};                           ///< summed over those ranks
  std::int64_t work_us = 0;                    ///< summed: data, forward and backward
  std::int64_t slowest_us = 0, second_us = 0;  ///< of a rank's work
  int slowest_rank = -1;
};

/// What one rank did in one attempt.
struct Rank {
  int rank = 0;
  std::string host;
  bool split_known = true;  ///< waiting and transfer told apart; else both are in `transfer` (format 0)
  std::int64_t steps = 0, step_us = 0;
  Phases phase_us{};
  Histogram work;            ///< data + forward + backward of its full steps
  std::int64_t slowest = 0;  ///< full steps in which its work took longest
  double held_up_s = 0;      ///< what all would have saved, had it been as fast as the next slowest
  std::optional<std::int64_t> resident_peak_bytes;
  std::optional<double> cpu_cores;  ///< mean
};

struct Evaluation {
  std::int64_t step = 0;
  double ended = 0, loss = 0, seconds = 0;
};

/// Sizes that the cost of a token follows from.
struct Work {
  std::int64_t layer_weights = 0, head_weights = 0, adapter_parameters = 0, attention_width = 0;
};

/// What one node's files held.
struct Node {
  std::string host;
  int format = -1;  ///< -1: no file
  std::string cpu;
  std::int64_t cores = 0, memory_bytes = 0;
  std::vector<std::string> gpus;
  double clock_offset_s = 0, clock_uncertainty_s = 0;
  std::int64_t steps = 0, unreadable_lines = 0, lost_lines = 0;
  bool torn_end = false;
  std::string problem;  ///< why nothing or not all could be read
  std::optional<double> cpu_busy, recorder_cpu_s, sampled_s;
  std::optional<std::int64_t> least_available_bytes;
  std::optional<double> received_bytes_per_s, sent_bytes_per_s;
  std::optional<double> gpu_busy_percent, gpu_energy_j;
  std::optional<std::int64_t> gpu_throttled_samples;
};

struct Attempt {
  int number = 0;
  std::vector<std::string> expected;  ///< nodes that it was started on; empty when not known
  int ranks = 0;                      ///< 0: not known
  std::vector<Node> nodes;
  std::vector<Step> steps;    ///< by step
  std::vector<Rank> members;  ///< by rank
  std::vector<Evaluation> evaluations;
  std::optional<Work> work;
  std::int64_t total_steps = 0;
  std::int64_t full_steps = 0;  ///< with as many rows as any: only they tell how fast the ranks are
  nlohmann::ordered_json resolved;
};

/// Everything that the nodes of a run wrote down, over all its attempts. What cannot be read is named, never invented.
std::vector<Attempt> read_metrics(const rundir::RunDir& run);

/// Seconds since 1970 of "2026-11-23T01:37:33.123Z"; nothing for another text.
std::optional<double> unix_of(std::string_view iso);

}  // namespace pst::report
