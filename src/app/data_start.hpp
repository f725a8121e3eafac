// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>

#include "app/hardware.hpp"
#include "app/ranks.hpp"
#include "app/run.hpp"
#include "methods/adapter.hpp"
#include "nn/causal_lm.hpp"

namespace pst::app {

/// The adapter's keys, with its start where that is found in the training's data: looked for once, by rank 0, and kept
/// in the run's folder, from which all ranks and later attempts read it. A run that goes on from another one's
/// checkpoint takes what there is. Collective.
/// @param model  without an adapter. @param alive  called after every pass over it
/// @throws Error(data) where the data give no start
methods::Adapter with_data_start(methods::Adapter adapter, const Run& run, const Hardware& hardware, const Ranks& ranks,
                                 nn::CausalLm& model, const std::function<void()>& alive);

}  // namespace pst::app
