// SPDX-License-Identifier: Apache-2.0
// All of these are made up: documentation's numbers with a proof that holds, and the same without.
#include "rule_case.hpp"

namespace pst::datarules::fixture {
namespace {

RuleCase of(const char* rule, const std::string& trips, const std::string& clean) {
  return {.rule = rule, .trips = answer(trips), .clean = answer(clean)};
}

/// Put together here, so that no scanner takes this file for a leak.
const std::string kKey = std::string("-----BEGIN RSA PRIV") + "ATE KEY-----";
const std::string kLetters = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";

}  // namespace

std::vector<RuleCase> personal_cases() {
  return {
      of("email-address", "Write to ada.lovelace@analytical-engine.co.uk today", "Write to ada@example.com, or @ada"),
      of("email-address", "x (bob@firm.de)", "a picture@2x.png, git@github.com:a/b"),
      of("url-credentials", "https://bob:hunter2@db.firm.de/x", "https://bob:hunter2@example.com/x"),
      of("ip-address", "the host 93.184.216.34 is up", "the host 192.168.1.20, version 10.2.3.4 is up"),
      of("ip-address", "2606:2800:220:1:248:1893:25c8:1946", "2001:db8:0:1:1:1:1:1 at 12:30:45, std::cout"),
      of("card-number", "4111 1111 1111 1111", "4111 1111 1111 1112"),
      of("card-number", "378282246310005", "1234567890123452"),
      of("bank-account", "GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 33"),
      of("bank-account", "DE89370400440532013000.", "DE8937040044053201300"),
      of("phone-number", "Call +49 30 901820 0", "That is 5+49 30 901820"),
      of("phone-number", "Call (415) 642-1234", "ISBN (415) 642-1234"),
      of("social-security-number", "123-45-6789", "000-45-6789, 912-34-5678, 12-345-6789"),
      of("private-key", kKey + "\\nMIIE\\n-----END RSA", "-----BEGIN PUBLIC KEY-----"),
      of("access-token", "ghp_" + kLetters, "ghp_abc and git_hub_token_with_letters_only_in_it"),
      of("access-token", "AKIA" + std::string("QWERTYUIOP123456"), "AKIAqwertyuiop123456"),
      of("random-secret", "api_key = '" + kLetters + "sT'", "commit '" + kLetters + "sT'"),
      of("random-secret", "api_key = '" + kLetters + "sT'", "api_key = 'aaaaaaaaaaaaaaaaaaaaaaaa1'"),
  };
}

}  // namespace pst::datarules::fixture
