// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "recipe/slurm_section.hpp"
#include "site/site.hpp"

namespace pst::cluster {

/// What the recipe asks for, with the site's defaults where it asks for nothing: partition, QOS, constraint, memory,
/// exclusive nodes. Of a partition that is asked for as a QOS, `qos` has the name and `partition` is empty.
/// @throws Error(usage) with every reason why the site would refuse or never start the job
recipe::Slurm fit_to_site(const recipe::Slurm& asked, const site::Site& site);

/// Whether the supervisor could go on without one of the job's nodes; else Slurm may as well requeue the job at once.
bool outlives_a_node(const recipe::Slurm& slurm, const site::Site& site);

}  // namespace pst::cluster
