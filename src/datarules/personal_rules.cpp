// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "core/strings.hpp"
#include "datarules/personal_data.hpp"
#include "datarules/rule_table.hpp"

namespace pst::datarules {
namespace {

constexpr const char* kLearnedByHeart = "replace it, or leave the record out: what is trained can be asked for";

/// In the order of PersonalKind.
constexpr std::array<Rule, 10> kRules = {
    {{"email-address",
      Level::warning,
      "an e-mail address; those of example.com and its like are not meant",
      kLearnedByHeart,
      {},
      "RFC 5322, RFC 2606"},
     {"url-credentials",
      Level::warning,
      "a user and a password in an address, `scheme://user:password@host`",
      "change the password, and replace it here",
      {},
      "RFC 3986, 3.2.1"},
     {"ip-address", Level::warning, "an IP address of the public internet", kLearnedByHeart, {}, "RFC 6890"},
     {"card-number",
      Level::warning,
      "a card number: an issuer's prefix and length, and the check digit is right",
      kLearnedByHeart,
      {},
      "ISO/IEC 7812"},
     {"bank-account",
      Level::warning,
      "an IBAN: the length of its country, and the rest by 97 is 1",
      kLearnedByHeart,
      {},
      "ISO 13616"},
     {"phone-number",
      Level::info,
      "a phone number with a country or an area, not near ISBN, DOI, # or a web address",
      kLearnedByHeart,
      {},
      "E.164; dolma"},
     {"social-security-number",
      Level::warning,
      "a US social security number that may have been given",
      kLearnedByHeart,
      {},
      "SSA"},
     {"private-key",
      Level::error,
      "a private key in PEM form",
      "take the key out of use, and out of the data",
      {},
      "RFC 7468"},
     {"access-token",
      Level::error,
      "a token or key of a service, by its prefix and length",
      "revoke the token, and take it out of the data",
      {},
      "detect-secrets 1.5; the services"},
     {"random-secret",
      Level::warning,
      "random text in quotes beside key, secret, token or password: over 4.5 bits a character, 3.0 in hexadecimal",
      "revoke it if it is real, and replace it",
      {},
      "detect-secrets 1.5"}}};

class PersonalChecker final : public Checker {
 public:
  void look(const RecordView& record, Findings& findings) override {
    for (const Text& text : record.texts)
      for (const PersonalSpan& span : find_personal(text.text))
        findings.add(kRules[static_cast<std::size_t>(span.kind_of)], record, text, span.kind, span.begin, span.end);
  }
};

}  // namespace

const RuleFamily kPersonalRules{[] {
                                  RuleGroup group{"Personal data and secrets", {}};
                                  for (const Rule& rule : kRules) group.rules.push_back(&rule);
                                  return group;
                                },
                                [](const CheckContext&, const RuleChoices&) -> std::unique_ptr<Checker> {
                                  return std::make_unique<PersonalChecker>();
                                }};

}  // namespace pst::datarules
