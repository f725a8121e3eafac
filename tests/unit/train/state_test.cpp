// SPDX-License-Identifier: Apache-2.0
#include "train/state.hpp"

#include <gmock/gmock.h>

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
    EXPECT_THAT(complaint(missing), HasSubstr("step-00000007: the training state's '" + key + "' is missing"));
    EXPECT_THAT(complaint(wrong), HasSubstr(key == "guard" ? "'losses' is missing" : "'" + key + "' is wrong"));
  }
  for (const auto& [key, value] : good["guard"].items()) {
    ordered_json missing = good;
    missing["guard"].erase(key);
    EXPECT_THAT(complaint(missing), HasSubstr("'" + key + "' is missing"));
  }
}

TEST(State, CountsThatCannotBeAreRefused) {
  ordered_json json = to_json(TrainState{.step = 3, .updates = 3});
  json["updates"] = 4;
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { state_from(json, "x"); }), HasSubstr("4 updates in 3 steps"));
}

}  // namespace
}  // namespace pst::train
