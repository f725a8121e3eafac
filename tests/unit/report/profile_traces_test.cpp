// SPDX-License-Identifier: Apache-2.0
#include "report/profile_traces.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <map>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::report {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;

/// The file of a rank, as telemetry::ProfileRecorder writes it: steps of 100 ms, 60 in frozen products, 10 in adapters,
/// 5 between, 5 waiting, 20 exchanging.
class MadeTrace {
 public:
  MadeTrace(const rundir::RunDir& run, int rank, double origin_s, double offset_s) : rank_(rank) {
    make_directories(run.attempt(1) / "profile");
    out_.open(run.attempt(1) / "profile" / cat("rank-", rank, ".json"));
    out_ << "[\n"
         << R"({"ph":"M","name":"peft_studio","pid":)" << rank << R"(,"args":{"format":1,"rank":)" << rank
         << R"(,"ranks":2,"host":"n)" << rank + 1 << R"(","origin_unix_s":)" << fixed(origin_s, 6) << "}},\n"
         << R"({"ph":"M","name":"clock","pid":)" << rank << R"(,"args":{"unix_s":)" << fixed(origin_s, 6)
         << R"(,"offset_s":)" << fixed(offset_s, 6) << R"(,"uncertainty_s":0.00001}},)" << '\n'
         << R"({"ph":"M","name":"thread_name","pid":)" << rank << R"(,"tid":1,"args":{"name":"training"}},)" << '\n'
         << R"({"ph":"M","name":"thread_name","pid":)" << rank << R"(,"tid":2,"args":{"name":"checkpoint writer"}},)"
         << '\n';
  }
  void span(const char* kind, const std::string& name, double ts, double dur, double self, const std::string& more = "",
            int lane = 1) {
    out_ << R"({"ph":"X","pid":)" << rank_ << R"(,"tid":)" << lane << R"(,"ts":)" << fixed(ts, 3) << R"(,"dur":)"
         << fixed(dur, 3) << R"(,"cat":")" << kind << R"(","name":")" << name << R"(","args":{"step":)" << step_
         << R"(,"self_us":)" << fixed(self, 3) << more << "}},\n";
  }
  /// @param late_us  how much later than at 80 ms it comes to the exchange
  void step(double late_us = 0) {
    const double at = 1e5 * static_cast<double>(step_++);
    span("linear", "q_proj", at, 20000, 20000, R"(,"layer":0)");
    span("adapter", "q_proj", at, 25000, 5000, R"(,"layer":0)");
    span("phase", "forward", at, 25000, 0);
    span("linear", "q_proj backward", at + 25000, 40000, 40000, R"(,"layer":0)");
    span("adapter", "q_proj backward", at + 25000, 45000, 5000, R"(,"layer":0)");
    span("phase", "backward", at + 25000, 50000, 5000);
    const std::string turn = cat(R"(,"bytes":4096,"group":"world","turn":)", 10 * step_);
    span("communication", "all_gather", at + 75000 + late_us, 5000 - late_us, 5000, turn);
    span("phase", "waiting", at + 75000, 5000, 0);
    span("communication", "all_to_all", at + 80000, 20000, 20000, turn + "1");
    span("phase", "transfer", at + 80000, 20000, 0);
    span("step", "step", at, 100000, 0);
  }
  void text(const std::string& raw) { out_ << raw; }
  void flush() { out_.flush(); }
  void end() { out_ << "{}]\n" << std::flush; }

 private:
  int rank_, step_ = 0;
  std::ofstream out_;
};

class ProfileTest : public testing::Test {
 protected:
  ProfileTest() { make_directories(run_.attempt(1)); }
  ordered_json merge() const { return merge_profile(run_, 1, trace_); }
  static double share(const ordered_json& profile, const std::string& part) {
    for (const auto& one : profile["parts"])
      if (one["part"] == part) return one["share"];
    return 0;
  }

  fixture::TemporaryDirectory dir_;
  rundir::RunDir run_ = fixture::new_run(dir_.path(), "traced");
  std::filesystem::path trace_ = dir_.path() / "trace.json";
};

TEST_F(ProfileTest, PartsOfAStepAddUpToIt) {
  MadeTrace one(run_, 0, 1000, 0);
  one.step();
  one.step();
  one.end();

  const auto profile = merge();

  double sum = 0;
  for (const auto& part : profile["parts"]) sum += part["share"].get<double>();
  EXPECT_NEAR(sum, 1, 1e-9);
  EXPECT_NEAR(share(profile, "products with frozen weights"), 0.60, 1e-9);
  EXPECT_NEAR(share(profile, "adapters"), 0.10, 1e-9);
  EXPECT_NEAR(share(profile, "between operations"), 0.05, 1e-9);
  EXPECT_NEAR(share(profile, "exchange of gradients"), 0.20, 1e-9);
  EXPECT_EQ(profile["hot_spots"][0]["name"], "q_proj backward");
  EXPECT_THAT(
      profile["words"][0].get<std::string>(),
      HasSubstr("Bottleneck: products with frozen weights, 60.0 % of a step (forward 20.0 %, backward 40.0 %)"));
  EXPECT_THAT(profile["words"].dump(), HasSubstr("Exchange of gradients: 20.0 % of a step"));
}

TEST_F(ProfileTest, NodesAreOnOneTimeLine) {
  MadeTrace one(run_, 0, 1000, 0), two(run_, 1, 900.25, 100);  // its clock is 100 s behind, and it began 0.25 s later
  for (auto* trace : {&one, &two}) {
    trace->step();
    trace->end();
  }

  merge();

  const auto trace = ordered_json::parse(read_file(trace_));
  std::map<int, double> begin;
  for (const auto& event : trace["traceEvents"])
    if (event.value("cat", "") == "step") begin[event["pid"]] = event["ts"];
  EXPECT_NEAR(begin.at(0), 0, 1);
  EXPECT_NEAR(begin.at(1), 250000, 1);
}

TEST_F(ProfileTest, BetweenTwoReadingsTheClocksDifferenceGrowsEvenly) {
  const RankTrace trace{.origin_unix_s = 1000, .clocks = {{1000, 1, 0}, {1010, 2, 0}}};

  EXPECT_DOUBLE_EQ(trace.unix_at(0), 1001);
  EXPECT_DOUBLE_EQ(trace.unix_at(5e6), 1006.5);
  EXPECT_DOUBLE_EQ(trace.unix_at(20e6), 1022);
}

TEST_F(ProfileTest, NamesTheRankThatOthersWaitFor) {
  MadeTrace one(run_, 0, 1000, 0), two(run_, 1, 1000, 0);
  for (int i = 0; i < 3; ++i) {
    one.step();
    two.step(/*late_us=*/4000);
  }
  one.end();
  two.end();

  const auto profile = merge();

  EXPECT_NEAR(profile["ranks"][0]["waited_ms"].get<double>(), 4, 1e-3);
  EXPECT_NEAR(profile["ranks"][1]["waited_for_ms"].get<double>(), 4, 1e-3);
  EXPECT_THAT(profile["words"].dump(), HasSubstr("100.0 % of that for rank 1 on n2"));
}

TEST_F(ProfileTest, ATornFileCountsWithItsWholeSteps) {
  MadeTrace one(run_, 0, 1000, 0);
  one.step();
  one.span("linear", "q_proj", 100000, 20000, 20000);
  one.span("phase", "forward", 100000, 25000, 5000);
  one.text(R"({"ph":"X","pid":0,"tid":1,"ts":125000.000,"du)");
  one.flush();

  const auto profile = merge();

  EXPECT_EQ(profile["ranks"][0]["steps"], 1);
  EXPECT_NEAR(share(profile, "products with frozen weights"), 0.60, 1e-9);
  EXPECT_THAT(profile["gaps"].dump(), HasSubstr("rank 0 on n1: its file ends in the middle"));
  EXPECT_NO_THROW(ordered_json::parse(read_file(trace_)));
}

TEST_F(ProfileTest, WhatTheWriterDoesBesideIsNoPartOfTheStep) {
  MadeTrace one(run_, 0, 1000, 0);
  one.span("disk", "fsync", 1000, 30000, 30000, R"(,"bytes":1000)", 2);
  one.step();
  one.end();

  const auto profile = merge();

  EXPECT_NEAR(share(profile, "checkpoint"), 0, 1e-9);
  EXPECT_EQ(profile["disk"][0]["name"], "fsync");
  EXPECT_THAT(profile_text(profile), HasSubstr("fsync"));
}

TEST_F(ProfileTest, RefusesWhatHoldsNoWholeStep) {
  MadeTrace one(run_, 0, 1000, 0);
  one.span("linear", "q_proj", 0, 20000, 20000);
  one.end();

  EXPECT_THROW(merge(), Error);
  EXPECT_EQ(newest_profile(run_), 1);
}

}  // namespace
}  // namespace pst::report
