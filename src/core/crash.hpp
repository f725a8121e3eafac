// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst {

/// From now on a fatal signal (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT), in whichever thread, writes the signal, the
/// address and the thread's stack to standard error before it ends the process as ever, with its core file. A call
/// through a null pointer shows its caller. Call before MPI_Init: Open MPI leaves a handler alone that is there.
void tell_of_crashes();

}  // namespace pst
