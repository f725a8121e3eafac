// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "core/digest.hpp"
#include "core/file.hpp"
#include "rundir/run_dir.hpp"

namespace pst::fixture {

/// A run with a record, as `submit` leaves it.
inline rundir::RunDir new_run(const std::filesystem::path& output_dir, const std::string& name) {
  auto run = rundir::RunDir::create(output_dir, name);
  run.write_record({.id = "7f3a", .name = name, .data_digest = "d", .model_path = "/models/tiny", .store = "/store"});
  return run;
}

/// What the worker leaves at the very end of a training that went well.
inline rundir::Completed finish(const rundir::RunDir& run, int attempt = 1) {
  make_directories(run.adapter());
  write_durably(run.adapter() / "adapter_model.safetensors", "weights");
  const rundir::Completed completed = {.steps = 60,
                                       .adapter_digest = digest("weights"),
                                       .train_loss = 0.25,
                                       .validation_loss_before = 2.5,
                                       .validation_loss_after = 0.5,
                                       .seconds = 12.5,
                                       .tokens = 4096,
                                       .attempt = attempt,
                                       .ranks = 2,
                                       .finished = "2026-01-01T00:00:00.000Z"};
  run.write_completed(completed);
  return completed;
}

}  // namespace pst::fixture
