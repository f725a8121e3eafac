// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::heartbeat {

/// Lets print_main_stack() reach the calling thread, which has to be the main one. A signal handler is installed.
void prepare_stacks();
/// The main thread prints where it is to standard error. From any thread; nothing happens unless prepared. Names need
/// symbols; addresses are always there.
void print_main_stack();

}  // namespace pst::heartbeat
