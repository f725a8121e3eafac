// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "app/ranks.hpp"
#include "rundir/run_dir.hpp"

namespace pst::app {

/// Before MPI, which needs some of it and would fail with a page of text: whether this node's scratch takes a file.
/// @throws Error(unfit) naming the node
void check_scratch(const rundir::RunDir& run, int attempt);

/// Before anything is loaded: whether this launch and these nodes can do the work at all. Every rank learns of every
/// other, and all of them stop with the same words. Unfit nodes are left for the supervisor in unfit.json.
/// @throws Error(usage) for a wrong launch, Error(unfit) naming the nodes
void preflight(const Ranks& ranks, const rundir::RunDir& run, int attempt);

}  // namespace pst::app
