// SPDX-License-Identifier: Apache-2.0
#include "recipe/sweep.hpp"

#include <gmock/gmock.h>

#include <set>

#include "core/clock.hpp"
#include "core/strings.hpp"
#include "methods/lora.hpp"
#include "minimal_recipe.hpp"

namespace pst::recipe {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

SweepRecipe sweep_of(const std::string& section, const std::vector<std::string>& overrides = {}) {
  return parse_sweep(fixture::kMinimal + section, "r.yaml", overrides, "/base");
}

std::string complaint_about(const std::string& section, const std::vector<std::string>& overrides = {}) {
  try {
    sweep_of(section, overrides);
    return {};
  } catch (const Error& error) {
    return error.message();
  }
}

std::vector<std::vector<std::string>> values_of(const SweepRecipe& sweep) {
  std::vector<std::vector<std::string>> all;
  for (const auto& run : sweep.runs) all.push_back(run.values);
  return all;
}

TEST(Sweep, AGridIsEveryCombinationInTheFilesOrder) {
  const auto sweep = sweep_of("sweep: {parameters: {optimizer.lr: [1.0e-4, 2.0e-4], adapter.r: [16, 8, 4]}}\n");

  EXPECT_THAT(values_of(sweep),
              ElementsAre(ElementsAre("1.0e-4", "16"), ElementsAre("1.0e-4", "8"), ElementsAre("1.0e-4", "4"),
                          ElementsAre("2.0e-4", "16"), ElementsAre("2.0e-4", "8"), ElementsAre("2.0e-4", "4")));
  EXPECT_EQ(sweep.runs[4].recipe.adapter.as<methods::Lora>().r, 8);
  EXPECT_DOUBLE_EQ(sweep.runs[4].recipe.optimizer.lr, 2e-4);
  EXPECT_EQ(sweep.runs[4].recipe.data.train[0].path, "/base/a.jsonl");
}

TEST(Sweep, AListPairsTheValues) {
  const auto sweep = sweep_of("sweep: {mode: list, parameters: {adapter.r: [4, 8], adapter.alpha: [8, 16]}}\n");
  EXPECT_THAT(values_of(sweep), ElementsAre(ElementsAre("4", "8"), ElementsAre("8", "16")));
  EXPECT_THAT(complaint_about("sweep: {mode: list, parameters: {adapter.r: [4, 8], adapter.alpha: [8]}}\n"),
              HasSubstr("r.yaml:4:53: sweep.mode: list pairs the values, but adapter.alpha has 1 and adapter.r has 2"));
}

TEST(Sweep, RandomDrawsDifferentCombinationsAndTheSeedDecides) {
  const auto draw = [](int count, int seed) {
    return values_of(sweep_of(cat("sweep: {mode: random, count: ", count, ", seed: ", seed,
                                  ", parameters: {adapter.r: [1, 2, 3, 4, 5, 6], train.seed: [1, 2, 3, 4, 5]}}\n")));
  };
  const auto some = draw(7, 1);

  EXPECT_THAT(some, SizeIs(7));
  EXPECT_THAT(std::set(some.begin(), some.end()), SizeIs(7));
  EXPECT_EQ(some, draw(7, 1));
  EXPECT_NE(some, draw(7, 2));
  EXPECT_THAT(draw(30, 3), SizeIs(30)) << "all of the grid";
  EXPECT_THAT(complaint_about("sweep: {mode: random, count: 3, parameters: {adapter.r: [1, 2]}}\n"),
              HasSubstr("the grid has only 2"));
  EXPECT_THAT(complaint_about("sweep: {mode: random, parameters: {adapter.r: [1, 2]}}\n"),
              HasSubstr("needs sweep.count"));
  EXPECT_THAT(complaint_about("sweep: {count: 1, parameters: {adapter.r: [1, 2]}}\n"),
              HasSubstr("sweep.count belongs to"));
}

TEST(Sweep, EveryWrongValueIsNamedAtItsPlaceOnceBeforeAnythingStarts) {
  const std::string told = complaint_about(
      "sweep:\n"
      "  parameters:\n"
      "    optimizer.lr: [1.0e-4, fast]\n"
      "    adapter.r: [8, -1]\n");
  EXPECT_EQ(told,
            "r.yaml:6:28: optimizer.lr is fast; it must be a number\n"
            "r.yaml:7:20: adapter.r is -1; it must be at least 1 (2 problems, nothing started)");
}

TEST(Sweep, AMisspeltKeyIsToldWithASuggestion) {
  EXPECT_THAT(complaint_about("sweep: {parameters: {adapter.ahlpa: [1, 2]}}\n"),
              AllOf(HasSubstr("unknown key 'adapter.ahlpa'"), HasSubstr("alpha"), HasSubstr("1 problem")));
  EXPECT_THAT(fixture::complaint(fixture::kMinimal + "swep: {}\n"), HasSubstr("did you mean 'sweep'"));
}

TEST(Sweep, WhatCannotBeSweptIsRefused) {
  for (const char* key : {"slurm.nodes", "name", "output_dir", "sweep.seed"})
    EXPECT_THAT(complaint_about(cat("sweep: {parameters: {", key, ": [1, 2]}}\n")),
                HasSubstr(cat(key, " is the same for all runs of a sweep")));
  EXPECT_THAT(complaint_about("sweep: {parameters: {adapter.r: 8}}\n"), HasSubstr("must be a list of values"));
  EXPECT_THAT(complaint_about("sweep: {parameters: {adapter.r: []}}\n"), HasSubstr("must be a list of values"));
  EXPECT_THAT(complaint_about("sweep: {parameters: {adapter.r: [8, 8]}}\n"), HasSubstr("not in the list already"));
  EXPECT_THAT(complaint_about("sweep: {parameters: {}}\n"), HasSubstr("must be a map from keys to lists"));
  EXPECT_THAT(complaint_about("sweep: {}\n"), HasSubstr("'sweep.parameters' is missing"));
  EXPECT_THAT(complaint_about("sweep: 7\n"), HasSubstr("must be a section"));
}

/// Each value was compared with all before it, both written out: minutes for a file of 200 kB.
TEST(Sweep, AListThatIsFarTooLongIsRefusedSoon) {
  std::string seeds;
  for (int i = 0; i < 40'000; ++i) seeds += cat(i ? ", " : "", i);
  const double start_s = thread_cpu_seconds();
  EXPECT_THAT(complaint_about(cat("sweep: {parameters: {train.seed: [", seeds, "]}}\n")),
              HasSubstr("the grid has 40,000 runs; at most 1,000"));
  EXPECT_LT(thread_cpu_seconds() - start_s, 10);
}

TEST(Sweep, AGridHasItsLimit) {
  std::string seeds;
  for (int i = 0; i < 1001; ++i) seeds += cat(i ? ", " : "", i);
  EXPECT_THAT(complaint_about(cat("sweep: {parameters: {train.seed: [", seeds, "]}}\n")),
              HasSubstr("the grid has 1,001 runs; at most 1,000"));
  EXPECT_THAT(complaint_about(cat("sweep: {mode: list, parameters: {train.seed: [", seeds, "]}}\n")),
              HasSubstr("the list has 1,001 runs; at most 1,000"));
  std::string keys;  // 1001 to the fifth power
  for (const char* key : {"train.seed", "adapter.r", "adapter.alpha", "train.epochs", "train.max_steps"})
    keys += cat(key, ": [", seeds, "], ");
  EXPECT_THAT(complaint_about(cat("sweep: {mode: random, count: 3, parameters: {", keys, "}}\n")),
              HasSubstr("too many combinations to count"));
}

TEST(Sweep, BelongsToTheFileAndNotToARun) {
  const std::string section = "sweep: {parameters: {adapter.r: [4, 8]}}\n";
  const auto sweep = sweep_of(section);

  EXPECT_THAT(to_yaml(sweep.runs[1].recipe), AllOf(Not(HasSubstr("sweep")), HasSubstr("r: 8")));
  EXPECT_THAT(fixture::complaint(fixture::kMinimal + section), HasSubstr("--set sweep=null leaves it out"));
  EXPECT_EQ(fixture::complaint(fixture::kMinimal + section, {"sweep=null"}), "");
}

TEST(Sweep, AnOverrideAddsValues) {
  const auto sweep = sweep_of("", {"sweep.parameters={adapter.r: [2, 4]}", "train.max_steps=5"});
  ASSERT_THAT(sweep.runs, SizeIs(2));
  EXPECT_EQ(sweep.runs[1].recipe.adapter.as<methods::Lora>().r, 4);
  EXPECT_EQ(sweep.runs[1].recipe.train.max_steps, 5);
}

}  // namespace
}  // namespace pst::recipe
