// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "json/object.hpp"

namespace pst::tokenizer {

/// Refuses a part of tokenizer.json that we cannot follow exactly. @param what  "normalizer 'Precompiled'"
[[noreturn]] inline void unsupported(const json::Node& node, const std::string& what) {
  node.refuse("has " + what + ", which is not supported",
              "use a model whose tokenizer is BPE: byte-level, or of characters with byte fallback");
}

}  // namespace pst::tokenizer
