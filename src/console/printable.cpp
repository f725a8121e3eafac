// SPDX-License-Identifier: Apache-2.0
#include "console/printable.hpp"

namespace pst::console {

std::string printable(std::string_view line) {
  std::string out;
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\t')
      out += ' ';
    else if (byte >= 0x20 && byte != 0x7f)
      out += c;
    else if (c != '\r')
      out += '?';
  }
  return out;
}

}  // namespace pst::console
