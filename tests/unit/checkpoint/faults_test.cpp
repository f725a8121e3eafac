// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <sys/mount.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>

#include "core/strings.hpp"
#include "support/errors.hpp"
#include "unit/checkpoint/a_run.hpp"

namespace pst::checkpoint {
namespace {

using fixture::Ranks;
using fixture::RunState;
using fixture::small_state;
using fixture::TemporaryDirectory;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// The step of the newest valid checkpoint whose values are those of `state`; -1 when there is none.
std::int64_t newest_with(const fs::path& checkpoints, const RunState& state) {
  std::vector<Rejected> rejected;
  const auto found = newest_valid(checkpoints, rejected);
  if (!found) return -1;
  RunState read = state.blank();
  load(*found, read.targets());
  return read.values == state.values ? found->manifest.step : -1;
}

class AtEveryStep : public testing::TestWithParam<std::tuple<Step, int>> {};
INSTANTIATE_TEST_SUITE_P(Faults, AtEveryStep,
                         testing::Combine(testing::ValuesIn(kAllSteps),
                                          testing::Values(ENOSPC, EIO, EROFS, ENOENT, EDQUOT)),
                         [](const auto& parameter) {
                           return "step" + std::to_string(static_cast<int>(std::get<0>(parameter.param))) + "_" +
                                  ::strerrorname_np(std::get<1>(parameter.param));
                         });

TEST_P(AtEveryStep, TheLastGoodCheckpointStays) {
  const auto [step, error] = GetParam();
  const TemporaryDirectory dir;
  const fs::path checkpoints = dir / "checkpoints";
  const RunState state = small_state();
  bool broken = false;
  Writer::Options options;
  options.sabotage = [&, step = step, error = error](Step at) { return broken && at == step ? error : 0; };
  Ranks ranks(checkpoints, 2, state, options);
  ASSERT_EQ(ranks.save(10).phase, Writer::Phase::committed);

  broken = true;
  const auto second = ranks.save(20);

  if (step == Step::prune) {  // behind the commit: it costs space and no checkpoint
    EXPECT_EQ(second.phase, Writer::Phase::committed) << second.problem;
    EXPECT_THAT(second.warning, HasSubstr(std::strerror(error)));
    EXPECT_EQ(newest_with(checkpoints, state), 20);
  } else {
    EXPECT_EQ(second.phase, Writer::Phase::failed);
    EXPECT_THAT(second.problem, HasSubstr(std::strerror(error)));
    EXPECT_THAT(second.problem, HasSubstr(checkpoints.string()));
    if (error == ENOSPC || error == EDQUOT) {
      EXPECT_THAT(second.problem, ContainsRegex("[1-9][0-9]* bytes are needed, [1-9][0-9]* are free"));
    }
    // Only the fsync behind the rename can fail with the new one in place.
    EXPECT_EQ(newest_with(checkpoints, state), step == Step::sync_parent ? 20 : 10);
    if (step != Step::sync_parent) {
      EXPECT_THAT(names_in(checkpoints), ElementsAre("step-00000010"));
    }
  }

  broken = false;  // the disk is well again, and training went on
  const auto third = ranks.save(30);
  EXPECT_EQ(third.phase, Writer::Phase::committed) << third.problem;
  EXPECT_EQ(newest_with(checkpoints, state), 30);
}

TEST(Faults, AFullDiskIsToldWithBytesNeededAndFree) {
  const TemporaryDirectory dir;
  if (::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "mounting a small tmpfs needs root; this user may not";
  {
    const RunState fits = small_state(), large = RunState({{"adapter/a", {1024, 512}}});
    ASSERT_EQ(Ranks(dir / "checkpoints", 1, fits).save(1).phase, Writer::Phase::committed);

    Ranks ranks(dir / "checkpoints", 1, large);
    const auto failed = ranks.save(2);

    EXPECT_EQ(failed.phase, Writer::Phase::failed);
    EXPECT_THAT(failed.problem, HasSubstr("rank-0.h5: No space left on device"));
    EXPECT_THAT(failed.problem, HasSubstr(cat(ranks[0].snapshot_bytes(), " bytes are needed")));
    EXPECT_EQ(newest_with(dir / "checkpoints", fits), 1);
    EXPECT_THAT(names_in(dir / "checkpoints"), ElementsAre("step-00000001"));
  }
  ::umount(dir.path().c_str());
}

TEST(Faults, ADiskThatLosesABitIsFoundOutBeforeTheCommit) {
  const TemporaryDirectory dir;
  const RunState state = small_state();
  Writer::Options options;
  options.sabotage = [&](Step step) {
    if (step == Step::read_back) std::fstream(dir / "step-00000002.part-1/rank-0.h5").seekp(1000) << '!';
    return 0;
  };

  const auto failed = Ranks(dir.path(), 1, state, options).save(2);

  EXPECT_EQ(failed.phase, Writer::Phase::failed);
  EXPECT_THAT(failed.problem, HasSubstr("rank-0.h5 does not hold what was written to it"));
}

TEST(Faults, AFolderRemovedUnderTheWriterIsAFailureAndNoMore) {
  const TemporaryDirectory dir;
  const RunState state = small_state();
  Writer::Options options;
  options.may_commit = [&] { fs::remove_all(dir / "checkpoints"); };
  Ranks ranks(dir / "checkpoints", 1, state, options);

  const auto failed = ranks.save(2);

  EXPECT_EQ(failed.phase, Writer::Phase::failed);
  EXPECT_THAT(failed.problem, HasSubstr("No such file or directory"));
}

/// Two ranks' writers whose receipts a test takes in hand.
class Receipts : public testing::Test {
 protected:
  void begin(int rank, std::string replica = {}) {
    (rank == 0 ? zero_ : one_).begin(7, {.replica = std::move(replica)});
  }
  /// Rank 0's, once it is neither written nor written down.
  Writer::Phase end_of_rank_0() {
    for (int i = 0; i < 2000 && zero_.wait().phase == Writer::Phase::written; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return zero_.wait().phase;
  }
  fs::path receipt_of_1(int tried) const { return dir_ / "step-00000007.part-1" / receipt_name(1, tried); }

  TemporaryDirectory dir_;
  RunState state_ = small_state();
  Writer zero_{dir_.path(), 0, 2, 1, state_.refs()}, one_{dir_.path(), 1, 2, 1, state_.refs()};
};

TEST_F(Receipts, MakeACheckpointWholeWithoutAWordBetweenRanks) {
  begin(0);
  zero_.wait();
  begin(1);

  EXPECT_EQ(end_of_rank_0(), Writer::Phase::committed);
  EXPECT_EQ(newest_with(dir_.path(), state_), 7);
  EXPECT_THAT(names_in(dir_ / "step-00000007"), ElementsAre("manifest.json", "rank-0.h5", "rank-1.h5", "state.h5"));
}

TEST_F(Receipts, ThatTheFileSystemDoesNotShowMayBeBrought) {
  begin(1);
  const Receipt brought{one_.wait().file, {}};
  fs::remove(receipt_of_1(1));
  begin(0);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto mine = zero_.wait();
  ASSERT_EQ(mine.phase, Writer::Phase::written);

  zero_.receive({{mine.file, {}}, brought});

  EXPECT_EQ(end_of_rank_0(), Writer::Phase::committed);
  EXPECT_EQ(newest_with(dir_.path(), state_), 7);
}

TEST_F(Receipts, OfAnEarlierTryAreNotTakenForThisOne) {
  begin(1);
  one_.wait();
  begin(0);
  ASSERT_EQ(end_of_rank_0(), Writer::Phase::committed);
  zero_.finish();
  one_.finish();
  begin(0);
  zero_.wait();
  std::ofstream(receipt_of_1(1)) << "0123456789abcdef0123456789abcdef 5 - end\n";

  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(zero_.wait().phase, Writer::Phase::written);
}

TEST_F(Receipts, OfReplicasThatDifferCommitNothing) {
  begin(0, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  begin(1, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");

  EXPECT_EQ(end_of_rank_0(), Writer::Phase::failed);
  EXPECT_THAT(zero_.progress().problem, HasSubstr("the parameters of rank 1 differ"));
  EXPECT_EQ(newest_with(dir_.path(), state_), -1);
}

TEST(Fence, AnOldAttemptThatPassedItsCheckCannotRename) {
  const TemporaryDirectory dir;
  const RunState state = small_state(1), other = small_state(2);
  ASSERT_EQ(Ranks(dir.path(), 1, state).save(10).phase, Writer::Phase::committed);
  Writer::Options options;
  options.may_commit = [&] {  // the check succeeds, and then the process stands still while the next attempt begins
    fence(dir.path(), 2);
    ASSERT_EQ(newest_with(dir.path(), state), 10);
  };

  const auto late = Ranks(dir.path(), 1, other, options, /*generation=*/1).save(20);

  EXPECT_EQ(late.phase, Writer::Phase::failed);
  EXPECT_THAT(late.problem, HasSubstr("No such file"));
  EXPECT_THAT(names_in(dir.path()), ElementsAre("step-00000010"));
}

TEST(Fence, ALostLeaseStopsTheCommit) {
  const TemporaryDirectory dir;
  Writer::Options options;
  options.may_commit = [] { throw Error(Fault::stopped, "attempt 2 holds the lease"); };

  const auto refused = Ranks(dir.path(), 2, small_state(), options).save(20);

  EXPECT_EQ(refused.phase, Writer::Phase::failed);
  EXPECT_THAT(refused.problem, HasSubstr("attempt 2 holds the lease"));
  EXPECT_THAT(names_in(dir.path()), ElementsAre());
}

TEST(Fence, LeavesTheOwnAndNewerGenerations) {
  const TemporaryDirectory dir;
  for (const char* name : {"step-00000010.part-1", "step-00000010.part-2", "step-00000010.part-3",
                           ".trash-step-00000001-7-0-1", "step-00000010", "step-10.part-1", "notes.part-1"})
    fs::create_directory(dir / name);

  fence(dir.path(), 2);

  EXPECT_THAT(names_in(dir.path()), ElementsAre("notes.part-1", "step-00000010", "step-00000010.part-2",
                                                "step-00000010.part-3", "step-10.part-1"));
}

TEST(Faults, AStepThatIsSavedOnceMoreTakesThePlaceOfTheOld) {
  const TemporaryDirectory dir;
  const RunState old = small_state(1), fresh = small_state(2);
  ASSERT_EQ(Ranks(dir.path(), 1, old).save(10).phase, Writer::Phase::committed);
  std::ofstream(dir / "step-00000010/rank-0.h5") << "damaged";

  Ranks ranks(dir.path(), 2, fresh, {}, 2);
  ASSERT_EQ(ranks.save(10).phase, Writer::Phase::committed);

  EXPECT_EQ(newest_with(dir.path(), fresh), 10);
  EXPECT_THAT(names_in(dir.path()), ElementsAre("step-00000010", "step-00000010.replaced-0"));
  for (const int step : {20, 30, 40}) ASSERT_EQ(ranks.save(step).phase, Writer::Phase::committed);
  EXPECT_THAT(names_in(dir.path()), ElementsAre("step-00000030", "step-00000040"));  // the run is past it
}

}  // namespace
}  // namespace pst::checkpoint
