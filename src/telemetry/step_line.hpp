// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <optional>

namespace pst::telemetry {

/// What a rank does in a step, in the order of the columns of a step record (docs/formats/metrics.md). `waiting` is for
/// other ranks, `transfer` the exchange itself, `checkpoint` what saving kept the loop, `other` the rest of the step.
enum class StepPhase { data, forward, backward, waiting, transfer, optimizer, checkpoint, other };
inline constexpr std::size_t kStepPhases = 8;
inline constexpr std::array<const char*, kStepPhases> kStepPhaseNames = {
    "data", "forward", "backward", "waiting", "transfer", "optimizer", "checkpoint", "other"};

/// One rank's time in one step, in microseconds. The phases add up to the step, but for rounding.
struct RankStep {
  std::int64_t step_us = 0;
  std::array<std::int64_t, kStepPhases> phase_us{};
};

/// What a step was for all ranks alike.
struct StepLine {
  std::int64_t step = 0, total_steps = 0;  ///< step counts from 1
  double ended = 0;                        ///< Unix time
  double loss = 0, lr = 0, grad_norm = 0;
  std::optional<double> balance_loss;  ///< of a mixture's experts, before its factor
  std::int64_t rows = 0, tokens = 0, labelled_tokens = 0;
  std::int64_t attention_pairs = 0;  ///< sum over the step's documents of their length squared
  bool skipped = false;
};

}  // namespace pst::telemetry
