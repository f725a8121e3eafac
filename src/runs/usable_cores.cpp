// SPDX-License-Identifier: Apache-2.0
#include "runs/usable_cores.hpp"

#include <sched.h>

#include <algorithm>

namespace pst::runs {

int usable_cores() {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

}  // namespace pst::runs
