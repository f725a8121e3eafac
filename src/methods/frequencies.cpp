// SPDX-License-Identifier: Apache-2.0
#include "methods/frequencies.hpp"

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::methods {

void bind_keys(config::Fields& field, Frequencies& s) {
  field("n_frequency", &s.n_frequency, config::at_least(1), "Trained coefficients of each layer.");
  field("random_loc_seed", &s.random_loc_seed, config::at_least(0), "Seed of which coefficients those are.");
  field("n_frequency_pattern", &s.n_frequency_pattern, config::at_least(1),
        "Another n_frequency for some layers, by name ending or regular expression.");
}

void require_places(std::int64_t count, const LinearLayer& layer) {
  if (const std::int64_t places = layer.out * layer.in; count > places)
    throw Error(Fault::usage,
                cat("adapter.n_frequency gives ", layer.name, " ", count, " coefficients, and its weight has ", places,
                    " values"),
                cat("write n_frequency: ", places, " or less, or name the layer in n_frequency_pattern"));
}

}  // namespace pst::methods
