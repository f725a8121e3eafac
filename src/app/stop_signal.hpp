// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::app {

/// From now on SIGTERM, SIGINT and SIGUSR2 (the job script's warning) end nothing, but are remembered: the loop asks
/// between steps.
void listen_for_stop();
/// The latest of them that came; 0: none.
int stop_signal();

}  // namespace pst::app
