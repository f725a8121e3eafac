// SPDX-License-Identifier: Apache-2.0
#include "telemetry/profile_recorder.hpp"

#include <gmock/gmock.h>

#include "core/file.hpp"
#include "support/temporary_directory.hpp"

namespace pst::telemetry {
namespace {

using nlohmann::json;
using trace::Kind;
using trace::Scope;

class ProfileRecorderTest : public testing::Test {
 protected:
  ProfileRecorder::Setup setup() const {
    return {.file = file_, .first_step = 2, .last_step = 3, .about = {{"rank", 1}, {"ranks", 2}, {"host", "n2"}}};
  }
  /// As the loop does: asks, listens for one step.
  static void step(ProfileRecorder& recorder, std::int64_t number) {
    const trace::Telling telling(recorder.step(number));
    const Scope scope(Kind::step, "step");
    const Scope layer({.kind = Kind::layer, .layer = 0});
    const Scope norm(Kind::norm, "no\"rm");
  }
  std::vector<json> spans() const {
    std::vector<json> all;
    for (const auto& event : json::parse(read_file(file_)))
      if (event.value("ph", "") == "X") all.push_back(event);
    return all;
  }

  fixture::TemporaryDirectory dir_;
  std::filesystem::path file_ = dir_.path() / "profile" / "rank-1.json";
};

TEST_F(ProfileRecorderTest, WritesTheStepsThatWereAskedForAsOneChromeTrace) {
  {
    ProfileRecorder recorder(setup());
    for (const std::int64_t number : {1, 2, 3, 4}) step(recorder, number);
  }

  const auto all = spans();
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all[0]["name"], "no?rm");
  EXPECT_EQ(all[0]["args"]["step"], 2);
  EXPECT_EQ(all[1]["name"], "layer 0");
  EXPECT_EQ(all[5]["args"]["step"], 3);
  for (const auto& event : all) {
    EXPECT_EQ(event["pid"], 1);
    EXPECT_GE(event["ts"].get<double>(), 0);
    EXPECT_GE(event["dur"].get<double>(), event["args"]["self_us"].get<double>());
  }
}

TEST_F(ProfileRecorderTest, HasNoFileWhenItsStepsNeverCame) {
  {
    ProfileRecorder recorder(setup());
    step(recorder, 1);
  }

  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(ProfileRecorderTest, AWholeStepIsInTheFileAtTheNextEdge) {
  ProfileRecorder recorder(setup());
  step(recorder, 2);
  recorder.step(3);

  EXPECT_THAT(read_file(file_), testing::HasSubstr("\"name\":\"layer 0\""));  // a kill now would tear nothing off
}

TEST_F(ProfileRecorderTest, LayersOfBackwardLastFromTheirFirstStepToTheirLast) {
  trace::Origin origins[2];
  {
    ProfileRecorder recorder(setup());
    const trace::Telling telling(recorder.step(2));
    for (int layer = 0; layer < 2; ++layer) {
      const Scope around({.kind = Kind::layer, .layer = layer});
      const Scope op(Kind::norm, "norm");
      origins[layer] = trace::Origin::here();
    }
    for (const int layer : {1, 1, 0}) trace::Backward span(origins[layer]);
    trace::Laps().lap("backward");
  }

  std::vector<std::string> names;
  for (const auto& event : spans()) names.push_back(event["name"]);
  EXPECT_THAT(names, testing::ElementsAre("norm", "layer 0", "norm", "layer 1", "norm backward", "norm backward",
                                          "layer 1 backward", "norm backward", "layer 0 backward", "backward"));
}

TEST_F(ProfileRecorderTest, CountsWhatIsBeyondItsBound) {
  {
    auto few = setup();
    few.most_spans = 4;
    ProfileRecorder recorder(few);
    step(recorder, 2);
    step(recorder, 3);
    EXPECT_EQ(recorder.lost_spans(), 2);
  }

  EXPECT_EQ(spans().size(), 4u);
  EXPECT_THAT(read_file(file_), testing::HasSubstr(R"("name":"lost_spans","pid":1,"args":{"spans":2})"));
}

TEST_F(ProfileRecorderTest, HandsRangesToAnotherProfiler) {
  static int depth, deepest;
  depth = deepest = 0;
  auto with_ranges = setup();
  with_ranges.ranges = {.push = [](const char*) { deepest = std::max(deepest, ++depth); }, .pop = [] { --depth; }};
  ProfileRecorder recorder(with_ranges);
  step(recorder, 2);

  EXPECT_EQ(deepest, 3);
  EXPECT_EQ(depth, 0);
}

}  // namespace
}  // namespace pst::telemetry
