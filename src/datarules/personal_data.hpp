// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>
#include <vector>

namespace pst::datarules {

enum class PersonalKind {
  email,
  url_credentials,
  ip_address,
  card_number,
  iban,
  phone,
  social_security,
  private_key,
  access_token,
  random_secret
};

/// What of a text is personal, or secret.
struct PersonalSpan {
  std::size_t begin = 0, end = 0;
  PersonalKind kind_of = PersonalKind::email;
  const char* kind = "";  ///< "e-mail address", "GitHub token": for people
};

/// In the order of the text, none over another. Each kind has its proof against false hits: checksums, public
/// addresses only, prefixes that services publish. Linear in the text.
std::vector<PersonalSpan> find_personal(std::string_view text);

// The proofs. Digits may have blanks and dashes between them.
bool passes_luhn(std::string_view digits);  ///< ISO/IEC 7812-1, annex B
bool is_iban(std::string_view text);        ///< length of its country and mod 97, ISO 13616
bool is_public_ip4(std::string_view text);  ///< dotted quad that is none of RFC 6890's special ones

}  // namespace pst::datarules
