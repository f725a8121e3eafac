// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "json/object.hpp"

namespace pst::tokenizer {

/// Refuses a part of tokenizer.json that we cannot follow exactly. @param what  "normalizer 'Shout'"
[[noreturn]] inline void unsupported(const json::Node& node, const std::string& what) {
  node.refuse("has " + what + ", which is not supported",
              "take tokenizer.json from the model's publisher, or use another model");
}

}  // namespace pst::tokenizer
