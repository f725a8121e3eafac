// SPDX-License-Identifier: Apache-2.0
#include "recipe/changes.hpp"

#include <gmock/gmock.h>

#include "unit/recipe/minimal_recipe.hpp"

namespace pst::recipe {
namespace {

using fixture::parse_minimal;
using testing::Contains;
using testing::ElementsAre;
using testing::Key;
using testing::Not;
using testing::Pair;

std::vector<std::string> changed_by(const std::vector<std::string>& overrides) {
  std::vector<std::string> keys;
  for (const auto& change :
       changes_between(keys_that_alter(parse_minimal()), keys_that_alter(parse_minimal({}, overrides))))
    keys.push_back(change.key);
  return keys;
}

TEST(Changes, KeysAreFlatWithTheirValues) {
  const auto keys = keys_that_alter(parse_minimal({}, {"adapter.r=4", "optimizer.lr=0.001"}));

  EXPECT_THAT(keys, Contains(Pair("adapter.r", "4")));
  EXPECT_THAT(keys, Contains(Pair("optimizer.lr", "0.001")));
  EXPECT_THAT(keys, Contains(Key("data.train")));
  EXPECT_THAT(keys, Contains(Key("guard.spike")));
}

TEST(Changes, WhatDecidesTheBitsIsNamed) {
  EXPECT_THAT(changed_by({"adapter.r=4"}), ElementsAre("adapter.r"));
  EXPECT_THAT(changed_by({"train.seed=7", "optimizer.lr=0.5"}), ElementsAre("optimizer.lr", "train.seed"));
  EXPECT_THAT(changed_by({"data.packing=false"}), ElementsAre("data.packing"));
  EXPECT_THAT(changed_by({"train.max_steps=9"}), ElementsAre("train.max_steps"));
  EXPECT_THAT(changed_by({"guard.not_finite=skip"}), ElementsAre("guard.not_finite"));
}

TEST(Changes, WhatARunIsJudgedByDecidesTheBits) {
  const auto altering = [](const char* judged) {
    return keys_that_alter(parse_minimal({}, {"data.validation_fraction=0.1", judged}));
  };
  for (const char* judged : {"train.early_stopping.patience=3", "train.load_best_model_at_end=true"})
    EXPECT_THAT(altering(judged), Contains(Key("evaluate.every_steps"))) << judged;
  EXPECT_THAT(altering("train.ema.decay=0.9"), Not(Contains(Key("evaluate.every_steps"))));
}

TEST(Changes, WhatGivesTheSameBitsIsNot) {
  EXPECT_THAT(changed_by({"train.threads=3", "train.gradient_checkpointing=true", "checkpoint.every_steps=2",
                          "evaluate.every_steps=5", "slurm.nodes=4", "slurm.time=1-00:00:00", "output_dir=elsewhere",
                          "name=other"}),
              ElementsAre());
  EXPECT_THAT(keys_that_alter(parse_minimal()), Not(Contains(Key("train.threads"))));
}

TEST(Changes, AKeyThatIsNewAndHasItsDefaultIsNone) {
  auto is = keys_that_alter(parse_minimal({}, {"data.date=2026-11-30"})), was = is;
  was.erase("data.remainder");  // as a checkpoint of an older version has it
  EXPECT_TRUE(changes_between(was, is).empty());
  was.erase("data.date");
  EXPECT_EQ(to_text(changes_between(was, is)), "data.date was not there and is 2026-11-30");
}

TEST(Changes, AKeyMayComeAndGo) {
  const auto changes = changes_between({{"a", "1"}, {"b", "2"}}, {{"b", "2"}, {"c", "3"}});

  EXPECT_EQ(to_text(changes), "a was 1 and is not there; c was not there and is 3");
  EXPECT_TRUE(changes_between({{"a", "1"}}, {{"a", "1"}}).empty());
}

}  // namespace
}  // namespace pst::recipe
