// SPDX-License-Identifier: Apache-2.0
#include "core/brief.hpp"

#include "core/strings.hpp"

namespace pst {

std::string brief(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return cat(text.substr(0, end), "...");
}

}  // namespace pst
