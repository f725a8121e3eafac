// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "core/error.hpp"
#include "recipe/load.hpp"

namespace pst::recipe::fixture {

inline const std::string kMinimal =
    "name: x\n"
    "model: {path: models/m}\n"
    "data: {train: [{path: a.jsonl}]}\n";

inline Recipe parse_minimal(const std::string& more = {}, const std::vector<std::string>& overrides = {}) {
  return parse(kMinimal + more, "r.yaml", overrides, "/base");
}

/// What parsing complains about; empty when it does not.
inline std::string complaint(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
  try {
    parse(yaml, "r.yaml", overrides, "/base");
    return {};
  } catch (const Error& error) {
    return error.message();
  }
}

}  // namespace pst::recipe::fixture
