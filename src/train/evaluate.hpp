// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <c10/core/Device.h>

#include "comm/communicator.hpp"
#include "data/prepared.hpp"
#include "nn/causal_lm.hpp"
#include "objective/objective.hpp"
#include "train/observer.hpp"
#include "train/settings.hpp"

namespace pst::train {

/// Mean of the objective over the documents, micro batches dealt to the ranks in turn. No dropout. Collective.
/// @param device  that the model computes on
/// @param step    optimizer steps done, for the record
EvalRecord evaluate(const nn::CausalLm& model, const objective::Objective& objective, at::Device device,
                    const data::PreparedSet& documents, comm::Communicator& group, const Settings& settings,
                    std::int64_t step);

}  // namespace pst::train
