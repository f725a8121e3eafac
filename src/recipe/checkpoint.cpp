// SPDX-License-Identifier: Apache-2.0
#include "recipe/checkpoint.hpp"

#include "config/fields.hpp"

namespace pst::recipe {

void bind(config::Fields& field, Checkpoint& s) {
  using namespace config;
  field("enabled", &s.enabled, "Save the state of the run (adapter, optimizer, position) so that it can be resumed.");
  field(
      "every_steps", &s.every_steps, Absent::null, at_least(1),
      "Save after every so many steps. Without this and `every_minutes` the interval follows Young and Daly, from what "
      "a checkpoint keeps training, and is a minute at most where writing is cheap.");
  field("every_minutes", &s.every_minutes, Absent::null, above(0), "Save after so much time, at the end of a step.");
  field("keep", &s.keep, between(1, 1000),
        "Newest checkpoints that stay; older ones go once their successor is verified.");
  field("keep_best", &s.keep_best,
        "Save when the validation loss is the lowest so far, and keep that one. So it is in any case where "
        "`train.load_best_model_at_end` takes the best values.");
  field("milestone_steps", &s.milestone_steps, Absent::null, at_least(1),
        "Save after every so many steps, and keep these for good.");
  field(
      "max_loss_minutes", &s.max_loss_minutes, at_least(0),
      "Training goes on while saving fails (a full disk); after so long without a good checkpoint it stops. 0: never.");
  field("resume", &s.resume, non_empty(),
        "`auto`: every start of a run goes on from its newest valid checkpoint. `never`: from the beginning. Or the "
        "folder "
        "of a checkpoint (of any run), for a start that finds none of its own.");
}

}  // namespace pst::recipe
