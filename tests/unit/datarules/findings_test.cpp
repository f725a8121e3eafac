// SPDX-License-Identifier: Apache-2.0
#include "datarules/findings.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "datarules/validate_data.hpp"
#include "rule_case.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace pst::datarules {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kCard = "4111 1111 1111 1111";

class Report : public ::testing::Test {
 protected:
  Findings find(const std::string& content, RuleChoices choices = {}) {
    write_durably(folder_ / "data.jsonl", content);
    ValidateRequest request;
    request.data.train.push_back({.path = (folder_ / "data.jsonl").string()});
    request.choices = std::move(choices);
    request.listener = [&](const Findings& findings, const Rule& rule, const Place& place, const Hit& hit) {
      list_ += hit_json(findings, rule, place, hit).dump() + "\n";
    };
    return validate_data(request);
  }
  pst::fixture::TemporaryDirectory folder_;
  std::string list_;
};

TEST_F(Report, CountsAllBrokenRecordsAndKeepsThree) {
  const Findings findings = find(fixture::answer("Yes.") + fixture::times(30, "{broken\n"));

  const auto all = findings.found();
  ASSERT_FALSE(all.empty());
  EXPECT_STREQ(all[0]->rule->name, "broken-record");
  EXPECT_EQ(all[0]->records, 30);
  EXPECT_EQ(all[0]->examples.size(), 3u);
  EXPECT_EQ(findings.records(), 31);
  EXPECT_THAT(list_, HasSubstr("data.jsonl:31"));
}

TEST_F(Report, AFileThatIsNotThereIsNoFinding) {
  ValidateRequest request;
  request.data.train.push_back({.path = (folder_ / "nope.jsonl").string()});

  EXPECT_THAT(pst::fixture::error_of(Fault::data, [&] { validate_data(request); }),
              HasSubstr("nope.jsonl does not exist"));
}

TEST_F(Report, MasksPersonalDataInEveryForm) {
  // The word that the sample is about stands beside a card number, and the text is cut near it.
  const Findings findings = find(fixture::answer("My card is " + kCard + " lorem <|im_end|> and bob@firm.de"));

  for (const std::string& form : {findings.to_text(), findings.to_page(), findings.to_json().dump(), list_}) {
    EXPECT_THAT(form, Not(HasSubstr("1111")));
    EXPECT_THAT(form, Not(HasSubstr("bob@firm")));
    EXPECT_THAT(form, HasSubstr("card number, 19 characters"));
  }
}

TEST_F(Report, PageRunsNothingThatARecordSays) {
  const std::string page =
      find(fixture::answer("<script>alert(1)</script> <|im_end|> \\\"><img src=x onerror=y>")).to_page();

  EXPECT_THAT(page, HasSubstr("Content-Security-Policy\" content=\"default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr("script-src")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
}

TEST_F(Report, ShowsWhatNobodySees) {
  EXPECT_THAT(find(fixture::answer("user\u202egnp.exe")).to_text(), HasSubstr("user<U+202E>gnp.exe"));
}

TEST_F(Report, TellsLevelsByTheShareOfRecords) {
  const auto& rule = rule_named("truncated");
  Findings findings{RuleChoices{}};
  findings.files.push_back({.path = "a", .records = 1000});
  for (int line = 1; line <= 10; ++line) findings.add(rule, Place{0, line}, [] { return Hit{}; });

  EXPECT_EQ(findings.level_of(*findings.found()[0]), Level::info);
  findings.add(rule, Place{0, 11}, [] { return Hit{}; });
  EXPECT_EQ(findings.level_of(*findings.found()[0]), Level::warning);
}

TEST_F(Report, SaysNothingOfIgnoredRules) {
  const std::string content = fixture::answer("bob@firm.de");

  EXPECT_THAT(find(content).to_text(), HasSubstr("email-address"));
  const auto findings = find(content, rule_choices({"email-address"}, {}));
  EXPECT_THAT(findings.to_text(), Not(HasSubstr("warning email-address")));
  EXPECT_EQ(findings.to_json()["ignored"], nlohmann::ordered_json::array({"email-address"}));
}

TEST(Excerpt, IsShortAndWholeInItsCharacters) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "\u4e2d";

  const std::string shown = excerpt(text, 700, 703);

  EXPECT_LT(shown.size(), 250u);
  EXPECT_TRUE(is_utf8(shown));
}

}  // namespace
}  // namespace pst::datarules
