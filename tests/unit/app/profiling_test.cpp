// SPDX-License-Identifier: Apache-2.0
#include "app/profiling.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "comm/local_communicator.hpp"
#include "core/file.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"
#include "unit/app/tiny_run.hpp"

namespace pst::app {
namespace {

class ProfilingTest : public testing::Test {
 protected:
  /// Steps 1 to 5 as the loop takes them. @return by rank: the steps that were traced
  std::vector<std::vector<std::int64_t>> traced(int ranks, const recipe::Profile& asked) const {
    std::vector<std::vector<std::int64_t>> of_ranks(static_cast<std::size_t>(ranks));
    comm::run_ranks(ranks, [&](comm::Communicator& world) {
      Profiling profiling(asked, run_, 2, fixture::on_one_node(world));
      for (std::int64_t step = 1; step <= 5; ++step) {
        const trace::Telling telling(profiling.step(step));
        const trace::Scope span(trace::Kind::step, "step");
        if (trace::here.sink != nullptr) of_ranks[static_cast<std::size_t>(world.rank())].push_back(step);
        EXPECT_TRUE(trace::here.sink == nullptr || trace::here.sink == profiling.sink());
      }
      profiling.end();
    });
    return of_ranks;
  }
  std::filesystem::path file(int rank) const {
    return run_.attempt(2) / "profile" / ("rank-" + std::to_string(rank) + ".json");
  }
  /// How many lines of the file begin a span of a step, or compare clocks.
  std::size_t count(int rank, const char* name) const {
    const auto events = nlohmann::json::parse(read_file(file(rank)));
    return static_cast<std::size_t>(std::count_if(events.begin(), events.end(),
                                                  [&](const auto& event) { return event.value("name", "") == name; }));
  }

  fixture::TemporaryDirectory dir_;
  rundir::RunDir run_ = fixture::new_run(dir_.path(), "a");
};

using Steps = std::vector<std::int64_t>;

TEST_F(ProfilingTest, TracesTheStepsThatAreAskedForOnAllRanks) {
  EXPECT_THAT(traced(2, {.first_step = 2, .last_step = 4}), testing::Each(Steps{2, 3, 4}));

  for (const int rank : {0, 1}) {
    EXPECT_EQ(count(rank, "step"), 3u);
    EXPECT_EQ(count(rank, "clock"), 2u) << "at both ends";
  }
}

TEST_F(ProfilingTest, OneStepWhereNoLastOneIsGiven) {
  EXPECT_THAT(traced(1, {.first_step = 3}), testing::ElementsAre(Steps{3}));
}

TEST_F(ProfilingTest, ToTheRunsEndWhereThatComesFirst) {
  EXPECT_THAT(traced(1, {.first_step = 4, .last_step = 100}), testing::ElementsAre(Steps{4, 5}));
  EXPECT_EQ(count(0, "clock"), 2u);
}

TEST_F(ProfilingTest, OnlyTheRanksThatAreAskedFor) {
  EXPECT_THAT(traced(3, {.first_step = 1, .last_step = 2, .ranks = {1}}),
              testing::ElementsAre(Steps{}, Steps{1, 2}, Steps{}));

  EXPECT_FALSE(std::filesystem::exists(file(0)));
  EXPECT_TRUE(std::filesystem::exists(file(1)));
  EXPECT_FALSE(std::filesystem::exists(file(2)));
}

TEST_F(ProfilingTest, NothingIsAskedForNothingIsDone) {
  EXPECT_THAT(traced(2, {}), testing::Each(Steps{}));

  EXPECT_FALSE(std::filesystem::exists(run_.attempt(2)));
}

}  // namespace
}  // namespace pst::app
