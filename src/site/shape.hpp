// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "site/site.hpp"

namespace pst::site {

/// Lines of a slurm.conf that has the site's partitions, with their limits, GPUs and features, on nodes that exist on
/// paper only (State=CLOUD): enough for `sbatch --test-only` to say what that site's Slurm would say of a job script.
/// What Slurm keeps in its database (accounts, QOS) is not in it.
std::string slurm_conf_of(const Site& site, int nodes);

}  // namespace pst::site
