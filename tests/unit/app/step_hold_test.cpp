// SPDX-License-Identifier: Apache-2.0
#include "app/step_hold.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <future>
#include <thread>

#include "core/file.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace pst::app {
namespace {

namespace fs = std::filesystem;

bool never() { return false; }
void touch(const fs::path& path) { std::ofstream{path}; }
void await(const fs::path& path) {
  while (!fs::exists(path)) std::this_thread::yield();
}

struct StepHoldTest : testing::Test {
  fixture::TemporaryDirectory dir;
  const StepHold first{dir.path(), "run attempt 1"}, second{dir.path(), ""};
};

TEST_F(StepHoldTest, HoldsAllRanksUntilTheFileGoes) {
  touch(dir / "hold-3");
  const auto held = [&](const StepHold& rank) { return std::async(std::launch::async, [&] { rank.after(3, never); }); };
  std::future<void> ranks[] = {held(first), held(second)};
  await(dir / "reached-3");

  for (const auto& rank : ranks) EXPECT_EQ(rank.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  fs::remove(dir / "hold-3");
  for (auto& rank : ranks) rank.get();

  EXPECT_EQ(read_file(dir / "reached-3"), "run attempt 1\n") << "one rank tells";
}

TEST_F(StepHoldTest, HoldsAtNoOtherStepAndNothingWithoutAFolder) {
  touch(dir / "hold-3");

  first.after(2, never);
  StepHold("", "run attempt 1").after(3, never);

  EXPECT_FALSE(fs::exists(dir / "reached-2"));
  EXPECT_FALSE(fs::exists(dir / "reached-3"));
}

TEST_F(StepHoldTest, LetsGoOfARunThatIsToStop) {
  touch(dir / "hold-3");
  int asked = 0;

  first.after(3, [&] { return ++asked > 2; });

  EXPECT_TRUE(fs::exists(dir / "hold-3"));
}

TEST_F(StepHoldTest, EndsARunThatNobodyLetsGo) {
  touch(dir / "hold-3");

  EXPECT_THAT(fixture::error_of(Fault::usage, [&] { StepHold(dir.path(), "", 0.02).after(3, never); }),
              testing::HasSubstr("hold-3"));
}

}  // namespace
}  // namespace pst::app
