// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "requests/generate_request.hpp"

namespace pst::app {

/// `peft-studio-worker generate`: one prompt, one answer on standard output.
void generate(const requests::GenerateRequest& request);

}  // namespace pst::app
