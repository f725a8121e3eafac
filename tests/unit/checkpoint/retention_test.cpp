// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <fstream>

#include "unit/checkpoint/a_run.hpp"

namespace pst::checkpoint {
namespace {

using fixture::Ranks;
using fixture::small_state;
using fixture::TemporaryDirectory;
using testing::ElementsAre;

std::vector<std::int64_t> steps_in(const fs::path& checkpoints) {
  std::vector<std::int64_t> steps;
  for (const auto& folder : list_folders(checkpoints)) steps.push_back(*step_of(folder));
  return steps;
}

TEST(Retention, KeepsTheNewestTheBestAndTheMilestones) {
  const TemporaryDirectory dir;
  const auto state = small_state();
  Ranks ranks(dir.path(), 1, state);
  const std::vector<double> losses = {3, 1.5, 2, 1.5, 2, 2, 2};
  for (int i = 0; i < 7; ++i) {
    Manifest manifest;
    manifest.validation_loss = losses[static_cast<std::size_t>(i)];
    manifest.milestone = i == 2;
    ASSERT_EQ(ranks.save(i + 1, manifest).phase, Writer::Phase::committed);
  }

  EXPECT_THAT(steps_in(dir.path()), ElementsAre(3, 4, 6, 7));  // 4: the later of two that are equally good
}

TEST(Retention, ADamagedOneIsNotCountedAndNotRemoved) {
  const TemporaryDirectory dir;
  const auto state = small_state();
  Writer::Options options;
  options.keep = {.newest = 9};
  Ranks ranks(dir.path(), 1, state, options);
  for (const int step : {1, 2, 3, 4}) ASSERT_EQ(ranks.save(step).phase, Writer::Phase::committed);
  std::ofstream(dir / "step-00000004/rank-0.h5", std::ios::in | std::ios::out).seekp(1000) << "damage";

  const auto pruned = prune(dir.path(), {.newest = 2}, Check::digests);

  EXPECT_THAT(steps_in(dir.path()), ElementsAre(2, 3, 4));
  EXPECT_THAT(pruned.removed, ElementsAre(dir / "step-00000001"));
  ASSERT_EQ(pruned.damaged.size(), 1u);
  EXPECT_EQ(pruned.damaged[0].folder, dir / "step-00000004");
}

TEST(Retention, NeverRemovesTheOnlyOne) {
  const TemporaryDirectory dir;
  ASSERT_EQ(Ranks(dir.path(), 1, small_state()).save(1).phase, Writer::Phase::committed);

  prune(dir.path(), {.newest = 0}, Check::digests);

  EXPECT_THAT(steps_in(dir.path()), ElementsAre(1));
}

TEST(Store, LooksOnlyAtFoldersOfCommittedSteps) {
  const TemporaryDirectory dir;
  for (const char* name : {"step-00000003", "step-00000020", "step-123456789", "step-3", "step-00000004.part-1",
                           "step--0000001", "step-0000000x", "other"})
    fs::create_directory(dir / name);
  std::ofstream(dir / "step-00000005") << "a file";
  fs::create_directory_symlink(dir / "step-00000003", dir / "step-00000006");

  EXPECT_THAT(steps_in(dir.path()), ElementsAre(3, 20, 123456789));
  EXPECT_THAT(steps_in(dir / "nowhere"), ElementsAre());
}

}  // namespace
}  // namespace pst::checkpoint
