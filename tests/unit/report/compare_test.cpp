// SPDX-License-Identifier: Apache-2.0
#include "report/compare.hpp"

#include <gmock/gmock.h>

#include "made_run.hpp"
#include "report/markdown.hpp"

namespace pst::report {
namespace {

using fixture::kEpoch;
using fixture::MadeRun;
using nlohmann::ordered_json;
using testing::HasSubstr;

Compared compared(MadeRun& made, const std::string& name, const std::string& rank) {
  return {.name = name,
          .report = summarise(made.run(), read_metrics(made.run()), {.price_per_node_hour = 3600}),
          .keys = {{"adapter.r", rank}, {"train.seed", "1"}, {"slurm.nodes", rank}},
          .alter = {{"adapter.r", rank}, {"train.seed", "1"}}};
}

TEST(Compare, SaysWhatDiffersAndWhatIsBest) {
  MadeRun one, two;
  one.attempt(1, {{"n1", {0}}}, 1, 50, kEpoch);
  two.attempt(1, {{"n1", {0}, 0.9}}, 1, 100, kEpoch);

  const auto c = comparison_of({compared(one, "one", "8"), compared(two, "two", "16")}, std::nullopt);

  ASSERT_EQ(c["settings"].size(), 2u);
  EXPECT_EQ(c["settings"][0]["key"], "adapter.r");
  EXPECT_EQ(c["settings"][0]["values"], ordered_json({"8", "16"}));
  EXPECT_EQ(c["settings"][0]["alters_result"], true);
  EXPECT_EQ(c["settings"][1]["alters_result"], false);
  for (const auto& metric : c["metrics"])
    if (metric["metric"] == "training loss, last step") {
      EXPECT_EQ(metric["best"], 1);
    }
}

TEST(Compare, TimeAndCostToALossAllHaveReached) {
  MadeRun one, two;
  one.attempt(1, {{"n1", {0}}}, 1, 50, kEpoch);
  two.attempt(1, {{"n1", {0}}, {"n2", {1}}}, 1, 100, kEpoch);

  const auto reached = comparison_of({compared(one, "one", "8"), compared(two, "two", "8")}, std::nullopt)["to_loss"];

  EXPECT_NEAR(reached["loss"].get<double>(), MadeRun::loss(50), 1e-5);
  EXPECT_EQ(reached["runs"][0]["step"], 50);
  EXPECT_EQ(reached["runs"][1]["step"], 50);
  EXPECT_NEAR(reached["runs"][1]["node_hours"].get<double>(), 2 * reached["runs"][0]["node_hours"].get<double>(), 1e-9);
  EXPECT_NEAR(reached["runs"][0]["money"].get<double>(), reached["runs"][0]["seconds"].get<double>(), 1e-9);

  const auto never = comparison_of({compared(one, "one", "8"), compared(two, "two", "8")}, 0.001)["to_loss"];
  EXPECT_TRUE(never["runs"][0]["seconds"].is_null());
}

TEST(Compare, LossesOfDifferentDataAreNotRanked) {
  MadeRun one, two;
  one.attempt(1, {{"n1", {0}}}, 1, 50, kEpoch);
  two.attempt(1, {{"n1", {0}}}, 1, 60, kEpoch);
  std::vector<Compared> runs = {compared(one, "one", "8"), compared(two, "two", "8")};
  for (auto& run : runs) run.report["outcome"]["validation_loss_after"] = 1.5;
  const auto best_of = [&](const std::string& name) {
    const auto c = comparison_of(runs, std::nullopt);
    for (const auto& metric : c["metrics"])
      if (metric["metric"] == name) return metric["best"].dump();
    return std::string("no such row");
  };
  EXPECT_EQ(best_of("validation loss, after"), "0");

  runs[1].report["run"]["data_digest"] = "another";
  EXPECT_EQ(best_of("validation loss, after"), "null");
  EXPECT_EQ(best_of("training loss, last step"), "null");
  EXPECT_TRUE(comparison_of(runs, std::nullopt)["to_loss"].is_null());
  EXPECT_THAT(comparison_markdown(comparison_of(runs, std::nullopt)),
              HasSubstr("The validation losses are not ranked"));

  for (auto& run : runs) run.report["run"]["validation_digest"] = "the same";
  EXPECT_EQ(best_of("validation loss, after"), "0") << "other training data, the same validation";
  EXPECT_EQ(best_of("training loss, last step"), "null");
}

TEST(Compare, OperationsHaveAUnit) {
  MadeRun one, two;
  std::vector<Compared> runs = {compared(one, "one", "8"), compared(two, "two", "8")};
  runs[0].report["work"]["flops"] = 415472772142.0;

  EXPECT_THAT(comparison_markdown(comparison_of(runs, std::nullopt)), HasSubstr("| operations | **415.5 GFLOP/s** |"));
}

TEST(Compare, MarkdownShowsTextAsText) {
  EXPECT_EQ(markdown_text("train.max_length 3"), "train.max_length 3");
  EXPECT_EQ(markdown_text("a|b\nc"), "a\\|b?c");
  EXPECT_EQ(markdown_text("![x](http://evil/) <b> `c` *d* &lt; _e_"),
            "!\\[x\\](http&#58;//evil/) \\<b\\> \\`c\\` \\*d\\* \\&lt; \\_e\\_");
}

TEST(Compare, MarkdownAndPageHoldTheSame) {
  MadeRun one, two;
  one.attempt(1, {{"n1", {0}}}, 1, 50, kEpoch);
  two.attempt(1, {{"n1", {0}}}, 1, 60, kEpoch);
  const std::vector<Compared> runs = {compared(one, "a|b", "8"), compared(two, "<two>", "16")};
  const auto c = comparison_of(runs, std::nullopt);

  EXPECT_THAT(comparison_markdown(c), HasSubstr("| adapter.r | 8 | 16 |"));
  EXPECT_THAT(comparison_markdown(c), HasSubstr("a\\|b"));
  EXPECT_THAT(comparison_page(runs, c), HasSubstr("&lt;two&gt;"));
}

}  // namespace
}  // namespace pst::report
