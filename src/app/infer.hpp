// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "requests/infer_request.hpp"

namespace pst::app {

/// `peft-studio-worker infer`: the answers to a file of prompts, each written as it is done; at the end in the order of
/// the prompts. An output that an earlier call left is gone on with. A row that cannot be answered is a row with its
/// error.
/// @return whether every row has an answer
bool infer(const requests::InferRequest& request);

}  // namespace pst::app
