// SPDX-License-Identifier: Apache-2.0
#include "plan/prediction.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "core/error.hpp"
#include "plan/failures.hpp"
#include "plan/plan_report.hpp"
#include "unit/plan/models.hpp"

namespace {

using namespace pst;

plan::Choice choice(int nodes = 1, int micro = 1, bool recompute = false) {
  return {.nodes = nodes, .micro_batch = micro, .recompute = recompute, .dtype = plan::Dtype::bf16};
}

TEST(Prediction, MatchesTheFlopCountWhereOnlyProductsCost) {
  auto in = fixture::inputs(fixture::llama3_8b(), "h100", 1, 1, 4096);
  in.machine.roofline->bytes_per_s = 1e18;
  in.machine.roofline->flops_share = 1;
  in.machine.roofline->launch_s = 0;
  in.machine.roofline->f32_flops = 1e18;

  const auto p = plan::predict(in, choice());

  // docs/plan.md: 4 N + 6 P + 3 A a token; N without the embedding, A causal. The 6 P count as 2 + 4 of our products.
  const double n = 6.98e9 + 128256.0 * 4096, a = 2 * 4096.0 * 32 * 128 * 32, tokens = 4096;
  const double attention = (1 + 2.5) * a;  // the backward pass makes the scores again
  EXPECT_NEAR(p.step.total() * 989e12 / tokens / (4 * n + 6 * 41.94e6 + attention), 1, 0.02);
}

TEST(Prediction, IsNearWhatAnH200Did) {
  struct Seen {
    weights::NumberFormat format;
    families::ModelSpec model;
    int length;
    double tokens_per_s;  // docs/gpu-results.md
  };
  using enum weights::NumberFormat;
  const auto small = fixture::llama3_8b(), large = fixture::llama(128256, 8192, 28672, 80, 64, 8, false);
  for (const auto& [format, model, length, tokens_per_s] :
       {Seen{none, small, 2048, 16586}, Seen{none, small, 4096, 15972}, Seen{nf4, small, 2048, 15566},
        Seen{nf4, small, 4096, 15427}, Seen{fp8, small, 2048, 20536}, Seen{fp8, small, 4096, 20194},
        Seen{nf4, large, 2048, 2026}}) {
    auto in = fixture::inputs(model, "h200", 100, 2, length);
    in.recipe.model.quantization.format = format;
    const double planned = 2 * length / plan::predict(in, choice()).step.total();
    EXPECT_NEAR(planned / tokens_per_s, 1, 0.08) << static_cast<int>(format) << ' ' << model.hidden << ' ' << length;
  }
}

TEST(Prediction, SgdKeepsAndMovesLessThanAdamW) {
  auto in = fixture::inputs(fixture::llama3_8b(), "h200", 100, 64, 2048);
  const auto adamw = plan::predict(in, choice());
  in.recipe.optimizer.rule = recipe::Sgd{};

  const auto sgd = plan::predict(in, choice());

  EXPECT_DOUBLE_EQ(sgd.memory.optimizer, adamw.memory.optimizer / 2);
  EXPECT_DOUBLE_EQ(sgd.saving.bytes, adamw.saving.bytes * 2 / 3);
  EXPECT_LT(sgd.step.optimizer, adamw.step.optimizer);
  EXPECT_GT(sgd.step.optimizer, adamw.step.optimizer / 2);
}

TEST(Prediction, MoreNodesMakeAStepFasterAndLongerRowsSlower) {
  const auto in = fixture::inputs(fixture::llama3_8b(), "h200", 100, 64, 2048);

  const double one = plan::predict(in, choice(1)).step.total(), four = plan::predict(in, choice(4)).step.total();

  EXPECT_LT(four, one);
  EXPECT_GT(four, one / 4);
  EXPECT_GT(plan::predict(fixture::inputs(fixture::llama3_8b(), "h200", 100, 64, 4096), choice(1)).step.total(),
            2 * one);
  EXPECT_GT(plan::predict(in, choice(1, 1, true)).step.total(), one);
}

TEST(Prediction, TheSlowestRankIsWaitedFor) {
  auto in = fixture::inputs(fixture::smollm2_135m(), "h100", 1, 2, 1024);
  in.work.sample = {{{{1024}, 1024, 1023}, {{128}, 128, 127}}};

  const auto p = plan::predict(in, choice(2));
  auto even = in;
  even.work.sample = {{{{1024}, 1024, 1023}, {{1024}, 1024, 1023}}};

  EXPECT_GT(p.step.waiting, 0);
  EXPECT_NEAR(p.step.total(), plan::predict(even, choice(2)).step.total(), 1e-9);
}

TEST(Prediction, TheReportNamesEveryStepOfAShortRun) {
  const auto in = fixture::inputs(fixture::smollm2_135m(), "h100", 3, 2, 512);

  const auto p = plan::predict(in, choice());

  ASSERT_EQ(p.sampled_s.size(), 3u);
  EXPECT_NEAR(p.sampled_s[0], p.step.total(), 1e-12);
}

TEST(Prediction, MakespanIsThatOfTheLongestFirst) {
  EXPECT_DOUBLE_EQ(plan::makespan({3, 3, 2, 2, 2}, 2), 7);
  EXPECT_DOUBLE_EQ(plan::makespan({1, 1, 1}, 1), 3);
  EXPECT_DOUBLE_EQ(plan::makespan({5, 1}, 8), 5);
  EXPECT_DOUBLE_EQ(plan::makespan({}, 4), 0);
}

TEST(Prediction, CostAndJobsFollowTheTime) {
  auto in = fixture::inputs(fixture::llama3_8b(), "h100", 20000, 16, 2048);
  in.recipe.slurm.time = "02:00:00";
  const auto without = plan::predict(in, choice());
  in.site.price_per_node_hour = 10;
  in.site.node_watts = 700;

  const auto p = plan::predict(in, choice());

  EXPECT_FALSE(without.money);
  EXPECT_FALSE(without.kilowatt_hours);
  EXPECT_DOUBLE_EQ(*p.money, 10 * p.node_hours);
  EXPECT_DOUBLE_EQ(*p.kilowatt_hours, 0.7 * p.node_hours);
  ASSERT_TRUE(p.jobs);
  EXPECT_EQ(*p.jobs, static_cast<std::int64_t>(std::ceil((p.expected_s - p.start_s) / (7200 - 150 - p.start_s))));
  in.recipe.slurm.time = "00:00:40";
  EXPECT_EQ(*plan::predict(in, choice()).jobs, 0);  // no job would finish a step
}

TEST(Prediction, MoreFailuresMeanShorterIntervalsAndMoreLoss) {
  auto in = fixture::inputs(fixture::llama3_8b(), "h100", 20000, 1024, 2048);
  const auto few = plan::predict(in, choice(4));
  in.site.node_mtbf_hours = 10;

  const auto many = plan::predict(in, choice(4));

  EXPECT_LT(many.saving.job_mtbf_s, few.saving.job_mtbf_s);
  EXPECT_LE(many.saving.interval_s, few.saving.interval_s);
  EXPECT_GT(many.saving.lost_share, few.saving.lost_share);
  EXPECT_GT(many.expected_s, few.expected_s);
}

TEST(Prediction, AFailureCostsNoticingAStartAndHalfAnInterval) {
  auto in = fixture::inputs(fixture::llama3_8b(), "h100", 20000, 1024, 2048);
  in.site.node_mtbf_hours = 4;
  in.recipe.checkpoint.every_minutes = 2;

  const auto p = plan::predict(in, choice(4));

  const double failure = 5 + p.start_s + 60 + p.saving.write_s;
  EXPECT_NEAR(p.saving.lost_share, p.saving.snapshot_s / 120 + failure / 3600, 1e-12);
  EXPECT_NEAR(p.expected_s, p.total_s * (1 + p.saving.lost_share), 1e-6 * p.total_s);
}

TEST(Prediction, FourThousandGpusAreAnsweredInASecond) {
  auto in = fixture::inputs(fixture::llama3_8b(), "gh200", 1000, 16384, 4096);
  in.recipe.slurm.nodes = 1024;
  in.recipe.slurm.ranks_per_node = 4;

  const auto began = std::chrono::steady_clock::now();
  const auto report = plan::make_report(in, {});
  const std::string text = plan::to_text(report);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();

  EXPECT_NE(text.find("4096 (1024 nodes x 4)"), std::string::npos) << text;
  RecordProperty("milliseconds",
                 static_cast<int>(1000 * took));  // the promise is kept by tools/plan-check: no timed tests
}

TEST(Prediction, OfAMachineWithoutTimesHasMemoryAllTheSame) {
  auto in = fixture::inputs(fixture::smollm2_135m(), "h100", 10, 4, 512);
  in.machine = {.name = "some CPU", .source = "not measured", .cores = 4, .memory_bytes = 16ull << 30};

  const plan::Report report = plan::make_report(in, {});
  const std::string text = plan::to_text(report), json = plan::to_json(report);

  EXPECT_FALSE(report.chosen.is_timed);
  EXPECT_GT(report.chosen.memory.weights, 4 * 100e6) << "135 M weights in fp32";
  EXPECT_TRUE(report.chosen.fits);
  EXPECT_NE(text.find("memory of a rank: peak"), text.npos);
  EXPECT_NE(text.find("work: 10 steps"), text.npos);
  EXPECT_NE(text.find("note: times are not known"), text.npos);
  EXPECT_EQ(text.find("tokens/s"), text.npos) << text;
  EXPECT_EQ(text.find("node hours"), text.npos) << text;
  EXPECT_EQ(json.find("step_s"), json.npos) << "unknown is absent, and not 0";

  in.machine.memory_bytes = 1ull << 30;
  EXPECT_NE(plan::to_text(plan::make_report(in, {})).find("DOES NOT FIT"), std::string::npos);
}

}  // namespace
