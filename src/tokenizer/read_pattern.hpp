// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/error.hpp"
#include "tokenizer/json_node.hpp"
#include "tokenizer/pattern.hpp"

namespace pst::tokenizer {

/// {"Regex": "..."} or {"String": "..."}. @throws Error(data) naming the place
inline Pattern read_pattern(const JsonNode& node) {
  const JsonNode regex = node.member("Regex"), literal = node.member("String");
  if (regex.is_null() == literal.is_null()) node.fail("is neither {\"Regex\": ...} nor {\"String\": ...}");
  if (!literal.is_null()) {
    const std::string text = literal.as_string();
    if (text.empty()) literal.fail("is empty");
    return Pattern::literal(text);
  }
  try {
    return Pattern::regex(regex.as_string());
  } catch (const Error& error) {
    regex.fail(": " + error.message(), error.remedy());
  }
}

}  // namespace pst::tokenizer
