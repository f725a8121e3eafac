// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace pst::tokenizer {

/// The bytes that `text` spells in base64 (RFC 4648, section 4), or nothing when it is none.
std::optional<std::string> from_base64(std::string_view text);
std::string to_base64(std::string_view bytes);

}  // namespace pst::tokenizer
