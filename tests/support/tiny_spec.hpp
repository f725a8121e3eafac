// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "families/read_model.hpp"
#include "support/tiny_model.hpp"

namespace pst::fixture {

/// What a tiny model is made of, without its folder.
inline families::ModelSpec tiny_spec(const TinyModel& model = {}) {
  return families::parse_model(tiny_config_json(model), "config.json");
}

}  // namespace pst::fixture
