// SPDX-License-Identifier: Apache-2.0
#include "datarules/personal_data.hpp"

#include <gmock/gmock.h>

#include "core/strings.hpp"

namespace pst::datarules {
namespace {

TEST(Luhn, KnowsTheCheckDigit) {
  for (const char* good : {"4111 1111 1111 1111", "378282246310005", "79927398713", "5555-5555-5555-4444"})
    EXPECT_TRUE(passes_luhn(good)) << good;
  for (const char* bad : {"4111 1111 1111 1112", "79927398710", ""}) EXPECT_FALSE(passes_luhn(bad)) << bad;
}

TEST(Iban, KnowsLengthsAndTheRest) {
  for (const char* good : {"GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "NO9386011117947"})
    EXPECT_TRUE(is_iban(good)) << good;
  for (const char* bad : {"GB82WEST12345698765433", "DE8937040044053201300", "XX89370400440532013000", "", "GB"})
    EXPECT_FALSE(is_iban(bad)) << bad;
}

TEST(PublicAddress, IsNoneOfTheSpecialOnes) {
  for (const char* good : {"8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1"})
    EXPECT_TRUE(is_public_ip4(good)) << good;
  for (const char* bad : {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "127.0.0.1", "224.0.0.1",
                          "0.1.2.3", "100.64.0.1", "203.0.113.9", "255.255.255.255", "256.1.1.1", "1.2.3"})
    EXPECT_FALSE(is_public_ip4(bad)) << bad;
}

TEST(FindPersonal, GivesSpansInOrderThatAreApart) {
  const std::string text = "a@b.de, https://bob:hunter2@db.firm.de, 8.8.8.8 and 4111111111111111";

  const auto spans = find_personal(text);

  std::vector<std::string> found;
  for (const auto& span : spans) found.push_back(text.substr(span.begin, span.end - span.begin));
  EXPECT_THAT(found, ::testing::ElementsAre("a@b.de", "bob:hunter2", "8.8.8.8", "4111111111111111"));
}

TEST(FindPersonal, TakesLinearTime) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "-----BEGIN a@@://:1.1.1.+(eyJ";

  EXPECT_LE(find_personal(text).size(), text.size());
}

}  // namespace
}  // namespace pst::datarules
