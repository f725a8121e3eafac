// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace pst::runs {

/// Where a training is, as its latest records tell.
struct Progress {
  std::int64_t step = 0, total_steps = 0;
  std::optional<double> loss, lr, tokens_per_s, seconds_left;
  std::optional<double> validation_loss;  ///< the latest
};

/// "step 12/60  loss 1.234  lr 3.1e-04  812 tokens/s  01:12 left"; what is not known is left out.
std::string to_line(const Progress& progress);

}  // namespace pst::runs
