// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/strings.hpp"
#include "json/object.hpp"

namespace pst::tokenizer {

/// Tokens that are looked for at every place of a text: the longest decides what a place costs.
inline void check_token_length(std::string_view token, const json::Node& vocab) {
  constexpr std::size_t kLongest = 4096;
  if (token.size() > kLongest) vocab.refuse(cat("has a token of ", token.size(), " bytes; the most is ", kLongest));
}

}  // namespace pst::tokenizer
