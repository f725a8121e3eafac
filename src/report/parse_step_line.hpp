// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "telemetry/step_line.hpp"

namespace pst::report {

/// One rank's part of a step's line.
struct RankTimes {
  int rank = 0;
  telemetry::RankStep times;
};

/// The line of a step as the worker writes it (format 1), taken apart without building a JSON tree: a long run on many
/// nodes has millions of them, and what all nodes say alike needs to be read once only.
class StepText {
 public:
  /// Nothing for any other line, or one whose beginning is not as the worker writes it: then it is parsed as JSON.
  static std::optional<StepText> of(std::string_view line);

  std::int64_t step() const { return step_; }
  std::string_view time() const { return time_; }
  /// @return false when they cannot be read
  bool ranks(std::vector<RankTimes>& into) const;

 private:
  std::int64_t step_ = 0;
  std::string_view time_, us_;
};

}  // namespace pst::report
