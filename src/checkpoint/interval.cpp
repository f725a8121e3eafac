// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/interval.hpp"

#include <algorithm>
#include <cmath>

namespace pst::checkpoint {

double young_daly_interval(double cost_s, double mtbf_s) { return std::max(std::sqrt(2 * cost_s * mtbf_s), cost_s); }

}  // namespace pst::checkpoint
