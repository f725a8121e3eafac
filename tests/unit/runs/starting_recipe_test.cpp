// SPDX-License-Identifier: Apache-2.0
#include "runs/starting_recipe.hpp"

#include <gmock/gmock.h>

#include "methods/lora.hpp"
#include "recipe/load.hpp"
#include "support/errors.hpp"

namespace pst::runs {
namespace {

TEST(InitRecipe, EveryPurposeMakesAValidRecipeThatSaysWhy) {
  for (const Purpose& purpose : purposes()) {
    SCOPED_TRACE(purpose.word);
    const std::string text = starting_recipe({.name = "mine",
                                              .model = "models/a b",
                                              .data = "data/x: #1.jsonl",
                                              .purpose = &purpose,
                                              .slurm = true,
                                              .nodes = 3});

    const auto recipe = recipe::parse(text, "mine.yaml", {}, "/home/me");

    EXPECT_EQ(recipe.name, "mine");
    EXPECT_EQ(recipe.model.path, "/home/me/models/a b");
    EXPECT_EQ(recipe.data.train.at(0).path, "/home/me/data/x: #1.jsonl");
    EXPECT_EQ(recipe.adapter.as<methods::Lora>().r, purpose.r);
    EXPECT_EQ(recipe.data.max_length, purpose.max_length);
    EXPECT_EQ(recipe.slurm.nodes, 3);
    EXPECT_THAT(text, testing::HasSubstr(purpose.why_learned));
    for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
      EXPECT_LE(end - at, 140u);
  }
}

TEST(InitRecipe, RowsAreNoLongerThanTheModel) {
  const std::string text =
      starting_recipe({.name = "m", .model = "m", .data = "d.txt", .purpose = &purpose_named("code"), .longest = 512});

  EXPECT_EQ(recipe::parse(text, "m.yaml", {}, "/").data.max_length, 512);
}

TEST(InitRecipe, AnUnknownPurposeNamesThoseThereAre) {
  EXPECT_THAT(fixture::error_of(Fault::usage, [] { purpose_named("poetry"); }),
              testing::HasSubstr("chat, code, summary"));
}

}  // namespace
}  // namespace pst::runs
