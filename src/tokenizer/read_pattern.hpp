// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/error.hpp"
#include "json/object.hpp"
#include "tokenizer/text_pattern.hpp"

namespace pst::tokenizer {

/// {"Regex": "..."} or {"String": "..."}. @throws Error(data) naming the place
inline Pattern read_pattern(const json::Node& node) {
  const json::Object pattern = node.object();
  const auto regex = pattern.get("Regex"), literal = pattern.get("String");
  if (regex.has_value() == literal.has_value()) node.refuse("is neither {\"Regex\": ...} nor {\"String\": ...}");
  if (literal) {
    const std::string text = literal->text();
    if (text.empty()) literal->refuse("is empty");
    return Pattern::literal(text);
  }
  try {
    return Pattern::regex(regex->text());
  } catch (const Error& error) {
    regex->refuse("cannot be used: " + error.message(), error.remedy());
  }
}

}  // namespace pst::tokenizer
