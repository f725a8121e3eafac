// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>

#include "app/vital_signs.hpp"
#include "comm_mpi/mpi_communicator.hpp"

namespace pst::app {

/// From a run directory to a trained adapter and completed.json: what `peft-studio-worker train` does on every rank.
/// @throws Error; then no completed.json exists
void train(const std::filesystem::path& run_directory, int attempt, comm::MpiSession& mpi, VitalSigns& signs);

}  // namespace pst::app
