// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace pst {

double monotonic_seconds();  ///< for durations
double unix_seconds();       ///< for records
/// UTC as "2026-11-23T01:37:33.123Z".
std::string iso_time(double unix_s);

}  // namespace pst
