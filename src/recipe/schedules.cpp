// SPDX-License-Identifier: Apache-2.0
#include "recipe/schedules.hpp"

#include "config/one_of.hpp"

namespace pst::recipe {

void bind(config::Fields& field, Scheduler& s) {
  field("name", &s.course, "Course of the learning rate after the warm-up; linear and cosine end at 0.");
  config::bind_chosen(field, s.course);
  field("warmup_ratio", &s.warmup_ratio, config::from_to_below(0, 1),
        "Share of the steps in which the learning rate rises from 0; at least one step is left.");
  field("warmup_steps", &s.warmup_steps, config::Absent::null, config::at_least(0),
        "Number of those steps; counts instead of warmup_ratio.");
}

}  // namespace pst::recipe
