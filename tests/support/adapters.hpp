// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <utility>

#include "methods/adapter.hpp"
#include "methods/lora.hpp"

namespace pst::fixture {

/// A recipe's adapter section with these keys of LoRA's.
inline methods::Adapter lora(methods::Lora keys, methods::Targets targets = {}) {
  methods::Adapter adapter;
  adapter.as<methods::Lora>() = std::move(keys);
  adapter.targeting.target_modules = std::move(targets);
  return adapter;
}
inline methods::Targets named(std::vector<std::string> names) {
  return {methods::Targets::Kind::names, std::move(names), {}};
}

}  // namespace pst::fixture
