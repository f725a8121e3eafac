// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <string>

#include "core/strings.hpp"
#include "tokenizer/vocabulary.hpp"

namespace pst::tokenizer {

/// The token that stands for a byte where a vocabulary lacks the character: <0x0A>.
inline std::string byte_token(unsigned byte) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  return cat("<0x", kHex[byte >> 4], kHex[byte & 15], ">");
}

/// Their ids, -1 where the vocabulary has none.
inline std::array<std::int32_t, 256> byte_token_ids(const Vocabulary& vocabulary) {
  std::array<std::int32_t, 256> ids{};
  for (unsigned byte = 0; byte < 256; ++byte) ids[byte] = vocabulary.id_of(byte_token(byte)).value_or(-1);
  return ids;
}

}  // namespace pst::tokenizer
