// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "app/hardware.hpp"
#include "app/loaded_model.hpp"
#include "app/ranks.hpp"
#include "app/run.hpp"
#include "app/training_state.hpp"
#include "app/vital_signs.hpp"
#include "core/trace.hpp"
#include "train/saver.hpp"

namespace pst::app {

/// Whoever saves this attempt, tied to the run: its policy and provenance, its events, and who may ask it to stop.
/// @param trace  whom its thread tells what it does; nullptr: nobody. All of them outlive the saver
train::Saver run_saver(const Run& run, const Hardware& hardware, const Ranks& ranks, LoadedModel& loaded,
                       TrainingState& state, VitalSigns& signs, trace::Sink* trace);

}  // namespace pst::app
