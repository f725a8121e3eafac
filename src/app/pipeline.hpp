// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>

#include "app/ranks.hpp"
#include "app/vital_signs.hpp"

namespace pst::app {

/// From a run directory to a trained adapter and completed.json: what `peft-studio-worker train` does on every rank.
/// @throws Error; then no completed.json exists
void train(const std::filesystem::path& run_directory, int attempt, const Ranks& ranks, VitalSigns& signs);

}  // namespace pst::app
