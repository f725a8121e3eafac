// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>

#include "comm/communicator.hpp"

namespace pst::comm {

/// The group of one process: nothing to exchange.
std::unique_ptr<Communicator> solo();

/// Runs body on `ranks` threads that form a group, and waits for all. When one throws, operations of the others fail
/// instead of waiting; the first rank's own error is rethrown. Lets distributed logic be tested without mpirun.
void run_ranks(int ranks, const std::function<void(Communicator&)>& body);

}  // namespace pst::comm
