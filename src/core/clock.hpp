// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace pst {

double monotonic_seconds();   ///< for durations
double unix_seconds();        ///< for records
double thread_cpu_seconds();  ///< that this thread has computed: for limits that a busy machine must not trip
/// UTC as "2026-11-23T01:37:33.123Z".
std::string iso_time(double unix_s);

}  // namespace pst
