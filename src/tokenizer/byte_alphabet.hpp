// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace pst::tokenizer {

/// The printable character that stands for a byte in a byte-level vocabulary: bytes that Latin-1 prints stand for
/// themselves, the 68 others for U+0100 onwards in their order.
/// @see Radford et al. 2019, "Language models are unsupervised multitask learners", section 2.2
std::string letter_of(unsigned char byte);

/// The bytes that `token` spells in that alphabet, or nothing when it has a character outside of it.
std::optional<std::string> bytes_spelled_by(std::string_view token);

}  // namespace pst::tokenizer
