// SPDX-License-Identifier: Apache-2.0
#include "runs/progress.hpp"

#include <cmath>
#include <cstdio>
#include <vector>

#include "core/strings.hpp"

namespace pst::runs {
namespace {

std::string two_digits(std::int64_t value) { return value < 10 ? cat("0", value) : cat(value); }

/// "01:12", "2:03:04".
std::string clock_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  const std::string rest = cat(two_digits(whole / 60 % 60), ":", two_digits(whole % 60));
  return whole < 3600 ? rest : cat(whole / 3600, ":", rest);
}

std::string scientific(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", value);
  return text;
}

}  // namespace

std::string to_line(const Progress& progress) {
  std::vector<std::string> parts;
  parts.push_back(progress.total_steps > 0 ? cat("step ", progress.step, "/", progress.total_steps)
                                           : cat("step ", progress.step));
  if (progress.loss) parts.push_back(cat("loss ", fixed(*progress.loss, 3)));
  if (progress.validation_loss) parts.push_back(cat("validation ", fixed(*progress.validation_loss, 3)));
  if (progress.lr) parts.push_back(cat("lr ", scientific(*progress.lr)));
  if (progress.tokens_per_s) parts.push_back(cat(grouped(std::llround(*progress.tokens_per_s)), " tokens/s"));
  if (progress.seconds_left && *progress.seconds_left < 1e8)
    parts.push_back(cat(clock_text(*progress.seconds_left), " left"));
  return join(parts, "  ");
}

}  // namespace pst::runs
