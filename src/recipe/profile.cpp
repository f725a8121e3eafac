// SPDX-License-Identifier: Apache-2.0
#include "recipe/profile.hpp"

#include "config/fields.hpp"

namespace pst::recipe {

void bind(config::Fields& field, Profile& s) {
  field("first_step", &s.first_step, config::Absent::null, config::at_least(1),
        "From this step on ranks write down what each layer, collective and checkpoint takes; `null`: never. "
        "`--profile steps=20:25` sets this and the next.");
  field("last_step", &s.last_step, config::Absent::null, config::at_least(1),
        "The last step of which they do; `null`: the first alone.");
  field("ranks", &s.ranks, config::at_least(0), "Ranks that do so; none named: all.");
}

}  // namespace pst::recipe
