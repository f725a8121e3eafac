// SPDX-License-Identifier: Apache-2.0
#include "report/page.hpp"

#include <gmock/gmock.h>

#include "made_run.hpp"
#include "report/summary.hpp"

namespace pst::report {
namespace {

using fixture::kEpoch;
using fixture::MadeRun;
using testing::HasSubstr;
using testing::Not;

std::string page_of(MadeRun& made) { return report_page(summarise(made.run(), read_metrics(made.run()), {})); }

TEST(Page, IsOneFileThatAsksForNothing) {
  MadeRun made;
  made.attempt(1, {{"n1", {0, 1}}}, 1, 50, kEpoch);

  const std::string page = page_of(made);

  for (const char* wanted : {"src=\"http", "href=\"http", "src=http", "url(", "@import", "sourceMappingURL", "<link"})
    EXPECT_THAT(page, Not(HasSubstr(wanted)));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(page, HasSubstr("dygraphs"));
}

/// Damaged or made by hand: what plan promised is left out, and the page is there.
TEST(Page, APlanThatIsNone) {
  for (
      const char* const plan :
      {"", "{}", "[]", "{\"prediction\": {}}",
       R"({"machine": {}, "prediction": {"choice": {"nodes": 1, "ranks_per_node": 1}, "memory_bytes": {"peak": 1},)"
       R"( "step_s": {"total": 1}, "tokens_per_s": 1}})",
       R"({"machine": "m", "prediction": {"choice": {"nodes": 4e18, "ranks_per_node": 1}, "memory_bytes": {"peak": 1},)"
       R"( "step_s": {"total": 1}, "tokens_per_s": 1}})",
       R"({"machine": "m", "prediction": {"choice": {"nodes": 1, "ranks_per_node": 1}, "memory_bytes": {"peak": "1"},)"
       R"( "step_s": {"total": 1}, "tokens_per_s": null}})"}) {
    MadeRun made;
    made.attempt(1, {{"n1", {0}}}, 1, 20, kEpoch);
    write_durably(made.run().root() / "plan.json", plan);

    EXPECT_THAT(page_of(made), HasSubstr("</html>")) << plan;
    EXPECT_THAT(summarise(made.run(), read_metrics(made.run()), {})["plan"].dump(), HasSubstr("cannot be read"))
        << plan;
  }
}

TEST(Page, WhatARunSaysCannotBecomeMarkup) {
  MadeRun made;
  made.attempt(1, {{"n1", {0}}}, 1, 20, kEpoch);
  made.event("failed", kEpoch + 60,
             {{"attempt", 1}, {"reason", "<script>alert(1)</script>"}, {"remedy", "\"><img src=x onerror=alert(2)>"}});

  const std::string page = page_of(made);

  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)"));
}

TEST(Page, TheDataCannotEndItsScript) {
  const std::string data = curves_data({{"</script><b>", {{"step", {1}}}}}, nlohmann::ordered_json::array(), {});
  EXPECT_THAT(data, Not(HasSubstr("<")));
  EXPECT_EQ(nlohmann::json::parse(data)["series"][0]["name"], "</script><b>");
}

TEST(Page, UnknownIsSaidAndNotZero) {
  MadeRun made;
  made.attempt(1, {{"n1", {0, 1}}}, 1, 20, kEpoch);
  const std::string page = page_of(made);
  EXPECT_THAT(page, HasSubstr("not known"));
  EXPECT_THAT(page, HasSubstr("money: no price of a node hour"));
}

TEST(Page, AnEmptyRunHasAPage) {
  MadeRun made;
  EXPECT_THAT(page_of(made), HasSubstr("</html>"));
}

TEST(Units, EveryNumberHasOne) {
  EXPECT_EQ(seconds_text(0.05), "0.0500 s");
  EXPECT_EQ(seconds_text(nullptr), "not known");
  EXPECT_EQ(percent_text(0.125), "12.5 %");
  EXPECT_EQ(bytes_text(2048), "2.0 KiB");
}

}  // namespace
}  // namespace pst::report
