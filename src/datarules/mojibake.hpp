// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pst::datarules {

/// A part of a text that was UTF-8, was read as Windows-1252 (or Latin-1) and written as UTF-8 again.
struct Mojibake {
  std::size_t begin = 0, end = 0;  ///< of the text
  std::string meant;               ///< what it says once read back
};

/// The first such part: a run of characters that are bytes of Windows-1252 from 0x80 on, and as bytes are UTF-8 with
/// fewer characters, none of them a control. Real text has such runs hardly ever: "Ã©" is one, "é" or "àé" is none.
/// @see ftfy 6.3, "heuristics"
std::optional<Mojibake> find_mojibake(std::string_view text);

}  // namespace pst::datarules
