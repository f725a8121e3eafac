// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/library_number.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace pst::tokenizer {

double as_library_reads(double value) {
  if (!std::isfinite(value) || value == 0) return value;
  std::array<char, 32> text;  // "1.2345e-07"
  const char* const end =
      std::to_chars(text.data(), text.data() + text.size(), std::abs(value), std::chars_format::scientific).ptr;
  std::uint64_t digits = 0;
  int exponent = 0;
  bool behind_point = false;
  const char* at = text.data();
  for (; at != end && *at != 'e'; ++at) {
    if (*at == '.') {
      behind_point = true;
      continue;
    }
    digits = digits * 10 + static_cast<std::uint64_t>(*at - '0');
    exponent -= behind_point ? 1 : 0;
  }
  exponent += std::atoi(std::string(at + 1, end).c_str());
  double read = static_cast<double>(digits);
  for (; exponent < -308; exponent += 308) read /= 1e308;
  const double power = std::strtod(("1e" + std::to_string(std::abs(exponent))).c_str(), nullptr);
  read = exponent >= 0 ? read * power : read / power;
  return std::copysign(read, value);
}

}  // namespace pst::tokenizer
