// SPDX-License-Identifier: Apache-2.0
#include "report/summary.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <map>

#include "made_run.hpp"

namespace pst::report {
namespace {

using fixture::kEpoch;
using fixture::MadeRun;
using nlohmann::json;
using nlohmann::ordered_json;
using testing::HasSubstr;

/// Two attempts: the first loses a node at step 60 and goes back to step 50; the second, on half of the ranks, ends.
void two_attempts(MadeRun& made) {
  made.event("submitted", kEpoch, {{"job_id", "7"}});
  made.event("started", kEpoch + 30, {{"attempt", 1}});
  made.attempt(1, {{"n1", {0, 1}}, {"n2", {2, 3}}}, 1, 60, kEpoch + 30);
  made.event("node-lost", kEpoch + 56, {{"attempt", 1}, {"nodes", {"n2"}}, {"remedy", "tell the site"}});
  made.event("attempt-ended", kEpoch + 57,
             {{"attempt", 1},
              {"end", "failed"},
              {"exit", 75},
              {"step", 60},
              {"node_lost", true},
              {"reason", "node n2 is gone"}});
  made.event("started", kEpoch + 59, {{"attempt", 2}});
  made.attempt(2, {{"n1", {0, 1}}}, 51, 100, kEpoch + 59);
  made.event("completed", kEpoch + 84, {{"attempt", 2}});
}

ordered_json summary_of(const MadeRun& made, const Figures& figures = {}) {
  return summarise(made.run(), read_metrics(made.run()), figures);
}

/// The same totals from the raw lines, by nothing but a JSON parser.
struct Raw {
  std::map<std::int64_t, std::int64_t> tokens;  // of the last attempt that did the step
  double redone_s = 0, counted_s = 0;
  std::map<int, std::map<std::string, double>> phase_s;  // of the first attempt, by rank
};
Raw raw_totals(const rundir::RunDir& run) {
  const std::vector<std::string> names = {"data",     "forward",   "backward",   "waiting",
                                          "transfer", "optimizer", "checkpoint", "other"};
  Raw raw;
  std::map<std::int64_t, std::pair<int, double>> newest;  // step -> attempt, its longest rank
  std::map<std::pair<int, std::int64_t>, double> longest;
  for (int attempt = 1; attempt <= run.last_attempt(); ++attempt)
    for (const auto& file : fs::directory_iterator(run.attempt(attempt) / "nodes")) {
      std::ifstream in(file.path());
      for (std::string line; std::getline(in, line);) {
        const auto record = json::parse(line);
        if (record["kind"] != "step") continue;
        raw.tokens[record["step"]] = record["tokens"];
        for (const auto& rank : record["us"]) {
          double& most = longest[{attempt, record["step"].get<std::int64_t>()}];
          most = std::max(most, 1e-6 * rank[1].get<double>());
          if (attempt == 1)
            for (std::size_t p = 0; p < names.size(); ++p)
              raw.phase_s[rank[0]][names[p]] += 1e-6 * rank[p + 2].get<double>();
        }
      }
    }
  for (const auto& [key, seconds] : longest) {
    const bool again = longest.count({key.first + 1, key.second}) > 0;
    (again ? raw.redone_s : raw.counted_s) += seconds;
  }
  return raw;
}

TEST(Summary, TotalsEqualThoseOfTheRawLines) {
  MadeRun made;
  two_attempts(made);

  const auto report = summary_of(made);

  const Raw raw = raw_totals(made.run());
  std::int64_t tokens = 0;
  for (const auto& [step, some] : raw.tokens) tokens += some;
  EXPECT_EQ(report["totals"]["steps"], raw.tokens.size());
  EXPECT_EQ(report["totals"]["tokens"], tokens);
  EXPECT_EQ(report["totals"]["steps_redone"], 10);
  EXPECT_NEAR(report["time"]["stepping_s"].get<double>(), raw.counted_s, 1e-9);
  EXPECT_NEAR(report["time"]["redone_s"].get<double>(), raw.redone_s, 1e-9);
  EXPECT_NEAR(report["totals"]["tokens_per_s"].get<double>(), static_cast<double>(tokens) / raw.counted_s, 1e-6);
  ASSERT_EQ(report["ranks"].size(), 4u) << "of the attempt with the most steps";
  for (const auto& rank : report["ranks"])
    for (const auto& [phase, ms] : rank["phases_ms"].items())
      EXPECT_NEAR(ms.get<double>(), 1e3 * raw.phase_s.at(rank["rank"]).at(phase) / 60, 1e-9) << phase;
}

TEST(Summary, PhasesAddUpToTheStep) {
  MadeRun made;
  two_attempts(made);
  const auto report = summary_of(made);
  for (const auto& rank : report["ranks"]) {
    double sum = 0;
    for (const auto& [phase, ms] : rank["phases_ms"].items()) sum += ms.get<double>();
    EXPECT_NEAR(sum / rank["step_ms"].get<double>(), 1.0, 0.02);
  }
}

TEST(Summary, EverySecondOfTheWallTimeHasAKind) {
  MadeRun made;
  two_attempts(made);

  const auto time = summary_of(made)["time"];

  double sum = 0;
  for (const auto& [kind, seconds] : time.items())
    if (kind != "wall_s" && kind != "useful_share") sum += seconds.get<double>();
  EXPECT_NEAR(sum, 84, 0.01) << "from the submission to the end";
  EXPECT_NEAR(time["wall_s"].get<double>(), 84, 0.01);
  EXPECT_NEAR(time["queued_s"].get<double>(), 30, 1e-3);
  EXPECT_NEAR(time["between_attempts_s"].get<double>(), 2, 1e-3);
}

TEST(Summary, AFaultIsToldWithItsPriceAndItsRemedy) {
  MadeRun made;
  two_attempts(made);

  const auto faults = summary_of(made)["faults"];

  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0]["kind"], "node lost");
  EXPECT_EQ(faults[0]["cause"], "node n2 is gone");
  EXPECT_EQ(faults[0]["what_to_do"], "tell the site");
  EXPECT_EQ(faults[0]["steps_redone"], 10);
  EXPECT_GT(faults[0]["standstill_s"].get<double>(), 2);
  EXPECT_EQ(faults[0]["noticed"][0]["nodes"][0], "n2");
}

TEST(Summary, NamesAStragglerWithItsNode) {
  MadeRun made;
  made.attempt(1, {{"n1", {0, 1}}, {"n2", {2, 3}, 1.3}}, 1, 50, kEpoch);

  const auto report = summary_of(made);

  ASSERT_EQ(report["stragglers"].size(), 2u);
  EXPECT_EQ(report["stragglers"][0]["node"], "n2");
  EXPECT_EQ(report["stragglers"][0]["rank"], 2);
  EXPECT_NEAR(report["stragglers"][0]["slower_by"].get<double>(), 0.3, 0.03);
  EXPECT_THAT(report["stragglers"][1]["evidence"].get<std::string>(), HasSubstr("rank 3 on node n2"));
  EXPECT_LT(report["efficiency"]["load_balance"].get<double>(), 0.9);
}

TEST(Summary, StepsWithFewerRowsSayNothingAboutARanksSpeed) {
  MadeRun made;
  made.attempt(1, {{"n1", {0}}, {"n2", {1}}}, 1, 50, kEpoch);
  // Every other step has half of the rows, and rank 1 nothing to do in it.
  for (const char* host : {"n1", "n2"}) {
    std::string text;
    for (std::int64_t step = 1; step <= 50; ++step) {
      MadeRun::Node node{host, {host[1] - '1'}};
      if (step % 2 == 0 && node.ranks[0] == 1) node.slower = 0.001;
      std::string line = MadeRun::line(step, kEpoch, 1, node);
      if (step % 2 == 0) line.replace(line.find("\"rows\":4"), 8, "\"rows\":2");
      text += line + '\n';
    }
    std::ofstream(made.run().node_log(1, host)) << text;
  }

  const auto report = summary_of(made);

  EXPECT_TRUE(report["stragglers"].empty()) << report["stragglers"];
  EXPECT_NEAR(report["ranks"][1]["work_ms_median"].get<double>(), 121, 2);
}

TEST(Summary, ARankThatIsSlowNowAndThenIsNamedByWhatItCosts) {
  MadeRun made;
  made.attempt(1, {{"n1", {0}}, {"n2", {1}}}, 1, 50, kEpoch);
  std::string text;
  for (std::int64_t step = 1; step <= 50; ++step)
    text += MadeRun::line(step, kEpoch, 1, {"n2", {1}, step % 3 == 0 ? 1.6 : 1.02}) + '\n';
  std::ofstream(made.run().node_log(1, "n2")) << text;

  const auto report = summary_of(made);

  ASSERT_EQ(report["stragglers"].size(), 1u);
  EXPECT_EQ(report["stragglers"][0]["node"], "n2");
  EXPECT_THAT(report["stragglers"][0]["what_to_do"].get<std::string>(), HasSubstr("comes and goes"));
}

TEST(Summary, EqualRanksHaveNoStraggler) {
  MadeRun made;
  made.attempt(1, {{"n1", {0, 1}}, {"n2", {2, 3}}}, 1, 50, kEpoch);
  EXPECT_TRUE(summary_of(made)["stragglers"].empty());
}

TEST(Summary, TheFactorsMultiplyToTheParallelEfficiency) {
  MadeRun made;
  made.attempt(1, {{"n1", {0}}, {"n2", {1}, 1.2}}, 1, 50, kEpoch);
  const auto e = summary_of(made)["efficiency"];
  const auto factor = [&](const char* key) { return e[key].get<double>(); };
  EXPECT_NEAR(factor("load_balance") * factor("serialisation") * factor("transfer") * factor("saving"),
              factor("parallel_efficiency"), 1e-9);
  EXPECT_NEAR(factor("load_balance") * factor("communication_efficiency"), factor("parallel_efficiency"), 1e-9);
}

TEST(Summary, OperationsFollowTheFormula) {
  MadeRun made;
  made.attempt(1, {{"n1", {0}}}, 1, 10, kEpoch);
  std::int64_t tokens = 0;
  for (std::int64_t step = 1; step <= 10; ++step) tokens += MadeRun::tokens(step);

  const auto work = summary_of(made, {.peak_flops_per_rank = 1e9, .source = "a test"})["work"];

  const double expected =
      static_cast<double>(tokens) * (4 * 1000 + 6 * 10) + 10 * 500 * 4 * 100 + 10 * 3 * 2 * 4 * 20000.0;
  EXPECT_NEAR(work["operations"].get<double>(), expected, 1e-6 * expected);
  EXPECT_NEAR(work["share_of_peak"].get<double>(), work["flops"].get<double>() / 1e9, 1e-12);
}

TEST(Summary, CostIsLeftOutOrExplained) {
  MadeRun made;
  two_attempts(made);
  const auto without = summary_of(made)["cost"];
  EXPECT_FALSE(without.contains("money"));
  EXPECT_EQ(without["left_out"].size(), 3u);
  const double node_hours = (2 * 27 + 1 * 25) / 3600.0;  // two nodes for 27 s, one for 25 s
  EXPECT_NEAR(without["node_hours"].get<double>(), node_hours, 1e-6);

  const auto with =
      summary_of(made, {.price_per_node_hour = 2, .watts_per_node = 500, .carbon_g_per_kwh = 300})["cost"];
  EXPECT_NEAR(with["money"].get<double>(), 2 * node_hours, 1e-6);
  EXPECT_NEAR(with["carbon_g"].get<double>(), 0.5 * node_hours * 300, 1e-6);
  EXPECT_TRUE(with["left_out"].empty());
}

TEST(Summary, AnEmptyRunHasAReport) {
  MadeRun made;
  const auto report = summary_of(made);
  EXPECT_EQ(report["outcome"]["state"], "unknown");
  EXPECT_EQ(report["totals"]["steps"], 0);
  EXPECT_TRUE(report["totals"]["tokens_per_s"].is_null());
}

TEST(Curves, KeepEveryPeakAndStayWithinTheirPoints) {
  MadeRun made;
  made.attempt(1, {{"n1", {0}}}, 1, 5000, kEpoch);
  std::string text;
  {
    std::ifstream in(made.run().node_log(1, "n1"));
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  const auto at = text.find("\"loss\":", text.find("\"step\":3333,"));
  text.insert(at + 7, "99");  // 99x.xx: one step of 5,000
  std::ofstream(made.run().node_log(1, "n1")) << text;

  const auto attempts = read_metrics(made.run());
  const auto curves = curves_of(count_steps(attempts), attempts, 800);

  EXPECT_LE(curves["step"].size(), 800u);
  EXPECT_EQ(curves["step"].back(), 5000);
  double highest = 0;
  for (const auto& band : curves["loss"]) highest = std::max(highest, band[2].get<double>());
  EXPECT_GT(highest, 900);
}

/// A guard that skips every step writes an event for each.
TEST(Summary, EventsWithoutEndAreFolded) {
  MadeRun made;
  made.attempt(1, {{"n1", {0}}}, 1, 20, kEpoch);
  made.event("started", kEpoch, {{"attempt", 1}});
  {
    std::ofstream out(made.run().events_file(), std::ios::app);
    for (int i = 0; i < 100'000; ++i)
      out << R"({"t":"2026-01-01T00:00:10.000Z","event":"guard","attempt":1,"step":)" << i
          << R"(,"reason":"the loss is 12.5, far above its mean of 2.1 over the last 100 steps","remedy":"look at the data"})"
          << '\n';
  }
  made.event("shrunk", kEpoch + 30, {{"reason", "n2 is gone"}});

  const ordered_json warnings = summary_of(made).at("warnings");

  ASSERT_EQ(warnings.size(), 202u);  // the first 200, the next kind, and how many there were
  EXPECT_EQ(warnings[199]["step"], 199);
  EXPECT_EQ(warnings[200]["kind"], "shrunk");
  EXPECT_EQ(warnings[201]["kind"], "guard");
  EXPECT_EQ(warnings[201]["step"], 99'999);
  EXPECT_EQ(warnings[201]["reason"], "and 99,800 more, up to here");
}

/// Numbers of a damaged file cost no more than its lines.
TEST(Summary, StepsAndRanksFarApartCostNothing) {
  MadeRun made;
  made.attempt(1, {{"n1", {0}}}, 1, 20, kEpoch);
  {
    std::ofstream out(made.run().node_log(1, "n1"), std::ios::app);
    for (int i = 1; i <= 20'000; ++i)
      out << R"({"t":"2026-01-01T00:00:10.000Z","kind":"step","step":)" << 20 + i * 9999 << R"(,"us":[[)" << i % 900'000
          << ",1,1,1,1,1,1,1,1,1]]}\n";
    out << R"({"kind":"start","format":0,"rank":-7})" << '\n' << R"({"kind":"step","step":21,"step_s":1})" << '\n';
    out << R"({"kind":"start","format":0,"rank":2147483647})" << '\n'
        << R"({"kind":"step","step":22,"step_s":1})" << '\n';
  }

  const auto attempts = read_metrics(made.run());

  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_LT(attempts[0].steps.size(), 500'000u);
  EXPECT_LE(attempts[0].members.size(), 1024u);
  EXPECT_GT(attempts[0].nodes[0].unreadable_lines, 10'000);
}

}  // namespace
}  // namespace pst::report
