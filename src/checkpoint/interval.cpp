// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/interval.hpp"

#include <algorithm>
#include <cmath>

#include "core/strings.hpp"

namespace pst::checkpoint {

double young_daly_interval(double cost_s, double mtbf_s) { return std::max(std::sqrt(2 * cost_s * mtbf_s), cost_s); }

namespace {

constexpr double kMinute_s = 60;
constexpr double kHour_s = 3600;

double cheap_interval(const Cost& cost) { return std::max(kMinute_s, (cost.stall_s + cost.behind_s) / kCheapShare); }

}  // namespace

double save_interval(const Cost& cost, double mtbf_s) {
  return std::max(std::min(young_daly_interval(cost.stall_s, mtbf_s), cheap_interval(cost)),
                  cost.stall_s + cost.behind_s);
}

std::string interval_reason(const Cost& cost, double mtbf_s) {
  if (young_daly_interval(cost.stall_s, mtbf_s) > cheap_interval(cost))
    return cat("a checkpoint takes ", fixed(cost.stall_s + cost.behind_s, 3), " s, at most ", 100 * kCheapShare,
               " % of the time");
  return cat("square root of 2 x ", fixed(cost.stall_s, 4), " s (what a checkpoint keeps training) x ",
             fixed(mtbf_s, 0), " s (mean time between failures)");
}

double seen_mtbf(double lived_s, int failures, double usual_s) {
  if (failures == 0) return usual_s;
  return std::min((std::max(0.0, lived_s) + kHour_s) / (failures + 1), usual_s);
}

}  // namespace pst::checkpoint
