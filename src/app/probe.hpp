// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "app/ranks.hpp"
#include "requests/probe_request.hpp"

namespace pst::app {

/// Times the operations that training consists of, through the code that training uses, and writes what `peft-studio
/// plan` reads. All ranks work at the same time, as they will; rank 0 writes. Collective.
/// @throws Error(io)
void probe(const requests::ProbeRequest& request, const Ranks& ranks);

}  // namespace pst::app
