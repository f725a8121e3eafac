// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "site/slurm_facts.hpp"

namespace pst::runs {

/// Asks Slurm's commands on this machine. @throws Error(unfit) naming the one that is missing; Error(transient) when
/// Slurm's controller does not answer
site::SlurmFacts slurm_facts_here();

}  // namespace pst::runs
