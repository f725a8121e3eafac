// SPDX-License-Identifier: Apache-2.0
#include "cluster/recovery.hpp"

#include <gtest/gtest.h>

#include <array>

namespace pst::cluster {
namespace {

constexpr std::array kStages = {Stage::starting, Stage::running,   Stage::stopping,
                                Stage::killing,  Stage::lingering, Stage::ended};
constexpr std::array kHappenings = {Happening::ranks_ready, Happening::rank_lost,     Happening::rank_silent,
                                    Happening::no_progress, Happening::launcher_left, Happening::asked_to_stop,
                                    Happening::impatience,  Happening::time_over,     Happening::result_proved,
                                    Happening::superseded};

/// Every happening in every stage: the stage that follows (first letter) and what is done.
///   . nothing   S order stop   K kill   L linger   = conclude
struct Row {
  Happening happening;
  std::array<const char*, kStages.size()> reactions;
};
constexpr std::array<Row, kHappenings.size()> kTable = {{
    //                            starting running stopping killing lingering ended
    {Happening::ranks_ready, {"r.", "r.", "s.", "k.", "l.", "e."}},
    {Happening::rank_lost, {"kK", "kK", "kK", "k.", "l.", "e."}},
    {Happening::rank_silent, {"kK", "kK", "kK", "k.", "l.", "e."}},
    {Happening::no_progress, {"kK", "kK", "s.", "k.", "l.", "e."}},
    {Happening::launcher_left, {"e=", "e=", "e=", "e=", "e=", "e."}},
    {Happening::asked_to_stop, {"sS", "sS", "sS", "k.", "l.", "e."}},
    {Happening::impatience, {"kK", "kK", "kK", "k.", "kK", "e."}},
    {Happening::time_over, {"b.", "r.", "kK", "kK", "kK", "e."}},
    {Happening::result_proved, {"lL", "lL", "lL", "k.", "l.", "e."}},
    {Happening::superseded, {"kK", "kK", "kK", "k.", "l.", "e."}},
}};

Stage stage_of(char letter) {
  switch (letter) {
    case 'b': return Stage::starting;
    case 'r': return Stage::running;
    case 's': return Stage::stopping;
    case 'k': return Stage::killing;
    case 'l': return Stage::lingering;
    default: return Stage::ended;
  }
}

Act act_of(char letter) {
  switch (letter) {
    case 'S': return Act::order_stop;
    case 'K': return Act::kill;
    case 'L': return Act::linger;
    case '=': return Act::conclude;
    default: return Act::nothing;
  }
}

TEST(Recovery, EveryHappeningInEveryStage) {
  for (std::size_t row = 0; row < kTable.size(); ++row) {
    ASSERT_EQ(kTable[row].happening, kHappenings[row]) << "the table leaves one out";
    for (std::size_t column = 0; column < kStages.size(); ++column) {
      SCOPED_TRACE(testing::Message() << name_of(kHappenings[row]) << " while " << name_of(kStages[column]));
      const Reaction reaction = react(kStages[column], kHappenings[row]);
      EXPECT_EQ(reaction.stage, stage_of(kTable[row].reactions[column][0]));
      EXPECT_EQ(reaction.act, act_of(kTable[row].reactions[column][1]));
    }
  }
}

TEST(Recovery, AKillAlwaysComesToAnEnd) {
  for (const Stage stage : {Stage::killing, Stage::lingering}) {
    EXPECT_EQ(react(stage, Happening::launcher_left).stage, Stage::ended);
    EXPECT_EQ(react(stage, Happening::time_over).act, Act::kill) << "a kill that failed is tried again";
  }
}

}  // namespace
}  // namespace pst::cluster
