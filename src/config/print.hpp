// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <string>

#include "config/fields.hpp"

namespace pst::config {

/// Everything that `bind_it` binds, as a tree.
Node write_section(const std::function<void(Fields&)>& bind_it);

/// The values with all defaults filled in, as YAML that reads back to the same values.
template <Section S>
std::string print(S section) {
  return to_yaml(write_section([&](Fields& fields) { bind(fields, section); }));
}

}  // namespace pst::config
