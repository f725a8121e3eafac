// SPDX-License-Identifier: Apache-2.0
#include "train/state.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "support/errors.hpp"

namespace pst::train {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;

/// Every field with a value that a careless writer of numbers would change.
TrainState awkward() {
  TrainState s{.step = (1LL << 53) + 1, .updates = 1LL << 53, .tokens = 123456789012345};
  s.last_loss = 0.1 + 0.2;
  s.seconds = 5e-324;
  s.validation_before = 1.7976931348623157e308;
  s.validation_after = -0.0;
  s.evaluated_at = 7;
  s.validation_best = 1.0 / 3;
  s.best = {.loss = 1.0 / 7, .step = (1LL << 53) - 1, .misses = 2};
  s.guard = {.losses = {2.0 / 3, 1e-300, 3}, .norm_average = 0.1, .accepted = 41, .passed_over = 3};
  return s;
}

TEST(State, ComesBackAsItWas) {
  const TrainState s = awkward();

  const TrainState back = state_from(ordered_json::parse(to_json(s).dump(2)), "manifest");

  EXPECT_EQ(back.step, s.step);
  EXPECT_EQ(back.updates, s.updates);
  EXPECT_EQ(back.tokens, s.tokens);
  EXPECT_EQ(back.last_loss, s.last_loss);
  EXPECT_EQ(back.seconds, s.seconds);
  EXPECT_EQ(back.validation_before, s.validation_before);
  EXPECT_EQ(back.validation_after, s.validation_after);
  EXPECT_EQ(back.evaluated_at, s.evaluated_at);
  EXPECT_EQ(back.validation_best, s.validation_best);
  EXPECT_EQ(back.best.loss, s.best.loss);
  EXPECT_EQ(back.best.step, s.best.step);
  EXPECT_EQ(back.best.misses, s.best.misses);
  EXPECT_EQ(back.guard.losses, s.guard.losses);
  EXPECT_EQ(back.guard.norm_average, s.guard.norm_average);
  EXPECT_EQ(back.guard.accepted, s.guard.accepted);
  EXPECT_EQ(back.guard.passed_over, s.guard.passed_over);
}

TEST(State, WhatWasNotMeasuredStaysSo) {
  const TrainState back = state_from(ordered_json::parse(to_json(TrainState{}).dump()), "manifest");

  EXPECT_FALSE(back.validation_before);
  EXPECT_FALSE(back.validation_after);
  EXPECT_FALSE(back.validation_best);
  EXPECT_EQ(back.evaluated_at, -1);
}

TEST(State, MissingAndWrongKeysAreNamed) {
  const ordered_json good = to_json(awkward());
  const auto complaint = [](const ordered_json& json) {
    return fixture::error_of(Fault::data, [&] { state_from(json, "step-00000007"); });
  };
  for (const auto& [key, value] : good.items()) {
    ordered_json missing = good, wrong = good;
    missing.erase(key);
    wrong[key] = "seven";
    if (key != "best" && key != "average_weight") {  // older checkpoints have none
      EXPECT_THAT(complaint(missing), HasSubstr("step-00000007: the training state's '" + key + "' is missing"));
    }
    EXPECT_THAT(complaint(wrong), HasSubstr(key == "guard"  ? "'losses' is missing"
                                            : key == "best" ? "'loss' is missing"
                                                            : "'" + key + "' is wrong"));
  }
  for (const char* part : {"guard", "best"})
    for (const auto& [key, value] : good[part].items()) {
      ordered_json missing = good;
      missing[part].erase(key);
      EXPECT_THAT(complaint(missing), HasSubstr("'" + key + "' is missing"));
    }
}

TEST(State, CheckpointsOfOlderVersionsHaveNoBestEvaluation) {
  ordered_json json = to_json(awkward());
  json.erase("best");
  EXPECT_FALSE(state_from(json, "x").best.loss);
}

// transformers' EarlyStoppingCallback.check_metric_value(), and the trainer that then notes any lower metric.
TEST(Best, AnImprovementBelowTheThresholdIsABestThatCountsAsAMiss) {
  struct Row {
    double loss;
    bool best;
    std::int64_t misses;
  };
  BestState state;
  std::int64_t step = 0;
  for (const auto& [loss, best, misses] : {Row{2, true, 0},
                                           {1.5, true, 0},
                                           {1.45, true, 1},
                                           {1.45, false, 2},
                                           {std::nan(""), false, 3},
                                           {1.4, true, 4},
                                           {1.25, true, 0},
                                           {9, false, 1}}) {
    SCOPED_TRACE(loss);
    ++step;
    EXPECT_EQ(state.take(loss, step, 0.1), best);
    EXPECT_EQ(state.misses, misses);
    EXPECT_EQ(state.step == step, best);
  }
  EXPECT_EQ(state.loss, 1.25);
  EXPECT_EQ(state.why_stop(0.1), "1 evaluation did not better the validation loss of step 7, 1.2500, by more than 0.1");
}

TEST(Best, WhatIsNoNumberIsNeverTheBest) {
  BestState state;
  for (const double loss : {std::nan(""), HUGE_VAL}) EXPECT_FALSE(state.take(loss, 1, 0));
  EXPECT_EQ(state.why_stop(0), "2 evaluations in a row gave no validation loss that is a number");
}

TEST(State, CountsThatCannotBeAreRefused) {
  ordered_json json = to_json(TrainState{.step = 3, .updates = 3});
  json["updates"] = 4;
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { state_from(json, "x"); }), HasSubstr("4 updates in 3 steps"));
}

}  // namespace
}  // namespace pst::train
