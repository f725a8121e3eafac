// SPDX-License-Identifier: Apache-2.0
#include "recipe/recipe.hpp"

#include <algorithm>

#include "config/fields.hpp"
#include "recipe/text_checks.hpp"

namespace pst::recipe {
namespace {

/// The name becomes a folder, a job's name and a part of messages.
bool is_run_name(std::string_view text) {
  const auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= 64 && letter_or_digit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

}  // namespace

void bind(config::Fields& field, Recipe& s) {
  field.required(
      "name", &s.name,
      config::text_that("up to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit", is_run_name),
      "Run directories are `<output_dir>/<name>-<id>`; also the job's name.");
  field("model", &s.model, "The frozen base model.");
  field("adapter", &s.adapter, "What is trained. The keys are PEFT's own names.");
  field("data", &s.data, "What to learn from.");
  field("train", &s.train, "How long, in what portions, with what arithmetic.");
  field("optimizer", &s.optimizer, "How a gradient becomes an update.");
  field("scheduler", &s.scheduler, "The learning rate over time.");
  field("parallel", &s.parallel, "How the work is spread over the ranks.");
  field("evaluate", &s.evaluate, "When to look at the validation data.");
  field("guard", &s.guard, "What counts as a step gone wrong, and what is done then.");
  field("checkpoint", &s.checkpoint, "When the run is saved, and what it resumes from.");
  field("profile", &s.profile, "Which steps are traced ([profiling.md](profiling.md)).");
  field("slurm", &s.slurm, "What to ask Slurm for. `peft-studio train` does without.");
  field("metrics", &s.metrics, "How Prometheus sees the run while it is at work ([monitoring.md](monitoring.md)).");
  field("alerts", &s.alerts, config::Need::optional,
        "What is watched while it runs, and who gets an alert: `[ {name: no-progress, do: [log, mail]} ]`.");
  field("notify", &s.notify, "Where alerts go to.");
  field("output_dir", &s.output_dir, path(), "Where run directories are made.");
}

}  // namespace pst::recipe
