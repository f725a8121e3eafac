// SPDX-License-Identifier: Apache-2.0
#include "report/page.hpp"

#include <gmock/gmock.h>

#include "made_run.hpp"
#include "report/html.hpp"
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

/// A report in which every text is `text`, wherever a run, a recipe, a site or a node has one.
nlohmann::ordered_json filled_with(nlohmann::ordered_json value, const std::string& text) {
  if (value.is_string()) return text;
  if (value.is_structured())
    for (auto& [key, inner] : value.items()) inner = filled_with(inner, text);
  return value;
}

TEST(Page, NoTextOfAReportCanBecomeMarkup) {
  MadeRun made;
  made.attempt(1, {{"n1", {0, 1}}}, 1, 50, kEpoch);
  made.event("failed", kEpoch + 60, {{"attempt", 1}, {"reason", "r"}, {"remedy", "r"}, {"hosts", {"n1"}}});
  made.attempt(2, {{"n1", {0, 1}, 3.0}}, 51, 90, kEpoch + 100);
  made.event("guard", kEpoch + 120, {{"attempt", 2}, {"step", 60}, {"reason", "r"}});
  const Figures figures{.price_per_node_hour = 2, .currency = "EUR", .watts_per_node = 300, .carbon_g_per_kwh = 400};
  const std::string evil = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>&lt;";
  const auto report = filled_with(summarise(made.run(), read_metrics(made.run()), figures), evil);

  const std::string page = report_page(report);

  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("\"'>")));
  EXPECT_THAT(page, HasSubstr("2.0000 &lt;img")) << "the cost has its currency";
}

std::string sha256_in_base64(const std::string& text) {
  const fixture::TemporaryDirectory dir;
  write_durably(dir / "text", text);
  write_durably(dir / "hash.sh", R"sh(printf "$(sha256sum "$1" | cut -c1-64 | sed 's/../\\x&/g')" | base64)sh");
  FILE* const pipe = ::popen(cat("bash ", (dir / "hash.sh").string(), " ", (dir / "text").string()).c_str(), "r");
  char line[100] = "";
  EXPECT_TRUE(pipe != nullptr && std::fgets(line, sizeof line, pipe) != nullptr);
  if (pipe != nullptr) ::pclose(pipe);
  return std::string(trim(line));
}

TEST(Page, NoTextEndsAnAttribute) {
  EXPECT_EQ(Html(std::string("a\" b' & <c>")).code(), "a&quot; b&#39; &amp; &lt;c&gt;");
}

TEST(Page, ItsPolicyAllowsItsOwnScriptsAndNothingElse) {
  MadeRun made;
  const std::string page = page_of(made);
  const auto begin = page.find("content=\"default-src 'none'");
  ASSERT_NE(begin, page.npos);
  const std::string policy = page.substr(begin, page.find("\">", begin) - begin);
  EXPECT_THAT(policy, Not(HasSubstr("script-src 'unsafe-inline'")));

  int scripts = 0;
  for (std::size_t at = 0; (at = page.find("<script>", at)) != page.npos; ++scripts) {
    at += 8;
    EXPECT_THAT(policy, HasSubstr(sha256_in_base64(page.substr(at, page.find("</script>", at) - at))));
  }
  EXPECT_EQ(scripts, 2);
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
  EXPECT_EQ(flops_text(415472772142.0), "415.5 GFLOP/s");
  EXPECT_EQ(flops_text(999), "999 FLOP/s");
}

}  // namespace
}  // namespace pst::report
