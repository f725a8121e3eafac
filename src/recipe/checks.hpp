// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "config/reader.hpp"
#include "recipe/recipe.hpp"

namespace pst::recipe {

/// What no single key can tell: values that contradict each other. A check is left out when one of its values was wrong
/// by itself, so that one mistake is reported once.
void check_together(const Recipe& recipe, const config::Places& places, config::Problems& problems);

/// The part of it that is about `alerts`, `notify` and `metrics`.
void check_alerts(const Recipe& recipe, const config::Places& places, config::Problems& problems);

/// Advice about keys that this version does not know: other programs' names for ours, and keys of later versions.
config::Advice unknown_key_advice();

}  // namespace pst::recipe
