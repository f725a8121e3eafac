// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string>

#include "datarules/personal_data.hpp"

namespace pst::datarules {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Country {
  std::string_view code;
  std::size_t length;
};
/// Lengths of the SWIFT registry of IBANs.
constexpr std::array<Country, 78> kCountries = {
    {{"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22}, {"BH", 22},
     {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DK", 18}, {"DO", 28},
     {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FO", 18}, {"FR", 27}, {"GB", 22}, {"GE", 22}, {"GI", 23},
     {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26},
     {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20},
     {"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MR", 27}, {"MT", 31}, {"MU", 30},
     {"NL", 18}, {"NO", 15}, {"PK", 24}, {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22},
     {"SA", 24}, {"SC", 31}, {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"ST", 25}, {"SV", 28},
     {"TL", 23}, {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"XK", 20}}};

/// An address and how many of its bits count.
struct Network {
  std::uint32_t address;
  int bits;
};
constexpr std::uint32_t ip(std::uint32_t a, std::uint32_t b, std::uint32_t c) { return a << 24 | b << 16 | c << 8; }
/// @see RFC 6890, tables 1 to 16; and multicast, and what RFC 1112 reserves
constexpr std::array<Network, 15> kSpecial = {{{ip(0, 0, 0), 8},
                                               {ip(10, 0, 0), 8},
                                               {ip(100, 64, 0), 10},
                                               {ip(127, 0, 0), 8},
                                               {ip(169, 254, 0), 16},
                                               {ip(172, 16, 0), 12},
                                               {ip(192, 0, 0), 24},
                                               {ip(192, 0, 2), 24},
                                               {ip(192, 88, 99), 24},
                                               {ip(192, 168, 0), 16},
                                               {ip(198, 18, 0), 15},
                                               {ip(198, 51, 100), 24},
                                               {ip(203, 0, 113), 24},
                                               {ip(224, 0, 0), 4},
                                               {ip(240, 0, 0), 4}}};

}  // namespace

bool passes_luhn(std::string_view digits) {
  int sum = 0, count = 0;
  for (auto c = digits.rbegin(); c != digits.rend(); ++c) {
    if (!is_digit(*c)) continue;
    const int digit = *c - '0';
    const int doubled = 2 * digit;
    sum += count++ % 2 == 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return count > 0 && sum % 10 == 0;
}

bool is_iban(std::string_view text) {
  std::string packed;
  for (const char c : text)
    if (c != ' ') packed += c;
  const auto country = std::find_if(kCountries.begin(), kCountries.end(),
                                    [&](const Country& one) { return packed.starts_with(one.code); });
  if (country == kCountries.end() || packed.size() != country->length) return false;
  std::rotate(packed.begin(), packed.begin() + 4, packed.end());
  int rest = 0;
  for (const char c : packed) {
    if (is_digit(c))
      rest = (rest * 10 + (c - '0')) % 97;
    else if (c >= 'A' && c <= 'Z')
      rest = (rest * 100 + (c - 'A' + 10)) % 97;
    else
      return false;
  }
  return rest == 1;
}

bool is_public_ip4(std::string_view text) {
  in_addr parsed{};
  if (::inet_pton(AF_INET, std::string(text).c_str(), &parsed) != 1) return false;
  const std::uint32_t address = ntohl(parsed.s_addr);
  return std::none_of(kSpecial.begin(), kSpecial.end(),
                      [&](const Network& network) { return (address ^ network.address) >> (32 - network.bits) == 0; });
}

}  // namespace pst::datarules
