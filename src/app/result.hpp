// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "app/ranks.hpp"
#include "app/run.hpp"
#include "nn/parameter.hpp"
#include "peft/adapter.hpp"
#include "train/state.hpp"

namespace pst::app {

/// Replicas that drifted apart would go unnoticed otherwise: their adapters have to be the same bits. Collective.
/// @throws Error(unfit) on every rank, naming the host of one that differs from rank 0's
void compare_replicas(comm::Communicator& world, const nn::ParameterSet& parameters);

/// The adapter, then completed.json, by rank 0. Collective.
/// @throws on every rank: Error(io), or Error(transient) when a newer attempt has begun; no completed.json then
void write_result(const Run& run, const Ranks& ranks, const peft::Adapter& adapter, const train::TrainState& state);

}  // namespace pst::app
