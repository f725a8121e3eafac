// SPDX-License-Identifier: Apache-2.0
#include "recipe/guard.hpp"

#include "config/fields.hpp"

namespace pst::recipe {

std::vector<std::pair<const char*, GuardAction>> words_of(GuardAction) {
  return {{"warn", GuardAction::warn},
          {"stop", GuardAction::stop},
          {"skip", GuardAction::skip},
          {"rollback", GuardAction::rollback}};
}

void bind(config::Fields& field, Guard& s) {
  using namespace config;
  field("not_finite", &s.not_finite,
        "A NaN or infinite loss or gradient: `stop`; `skip` the step (its data is passed over, nothing is updated); or "
        "`rollback` to the newest checkpoint and go on with the data behind the bad step.");
  field("spike", &s.spike,
        "A loss or gradient norm out of proportion (the keys below): `warn` in events.jsonl, `stop`, `skip` or "
        "`rollback`. Small batches and repeated data spike without harm, hence the default.");
  field("loss_ratio", &s.loss_ratio, above(1), "A spike: more than this times the lowest loss of the window.");
  field("loss_window", &s.loss_window, between(1, 1000), "Steps that the lowest loss is looked for in.");
  field("grad_norm", &s.grad_norm, at_least(0), "A spike: a gradient norm, before clipping, above this. 0: no limit.");
  field("grad_norm_ratio", &s.grad_norm_ratio, above(1),
        "A spike: a gradient norm of more than this times its running average (after `loss_window` steps).");
}

}  // namespace pst::recipe
