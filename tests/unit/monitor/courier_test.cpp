// SPDX-License-Identifier: Apache-2.0
#include "monitor/courier.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <mutex>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "support/fake_programs.hpp"

namespace pst::monitor {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CourierTest : public testing::Test {
 protected:
  std::function<void(const std::string&, const std::string&)> keep() {
    return [this](const std::string& what, const std::string& why) {
      const std::lock_guard lock(mutex);
      failures.push_back(what + ": " + why);
    };
  }
  cluster::Command say(const std::string& word, double timeout_s = 10) const {
    return {.argv = {fake.folder() / "say", word}, .timeout_s = timeout_s, .variables = {{"PST_ALERT", word}}};
  }
  fixture::FakePrograms fake;
  fixture::TemporaryDirectory dir;
  std::mutex mutex;
  std::vector<std::string> failures;
};

TEST_F(CourierTest, DeliversInOrder) {
  fake.add("say", "echo \"$1 $PST_ALERT\" >>'" + (dir / "heard").string() + "'");
  {
    Courier courier(keep());
    for (const char* word : {"one", "two", "three"}) courier.post(word, say(word));
    courier.finish(20);
  }
  EXPECT_EQ(read_file(dir / "heard"), "one one\ntwo two\nthree three\n");
  EXPECT_THAT(failures, IsEmpty());
}

TEST_F(CourierTest, WhatFailsIsToldAndTheNextIsDelivered) {
  fake.add("say", "[ \"$1\" != bad ] || { echo 'no such room' >&2; exit 3; }");
  {
    Courier courier(keep());
    courier.post("first", say("bad"));
    courier.post("second", {.argv = {"/nowhere/to/be/found"}});
    courier.post("third", say("good"));
    courier.finish(20);
  }
  EXPECT_THAT(failures, ElementsAre(HasSubstr("ended with 3: no such room"), HasSubstr("second: ")));
}

TEST_F(CourierTest, APartnerThatHangsCostsItsTimeAndNoMore) {
  fake.add("say", "exec >/dev/null 2>&1; sleep 60");  // without streams that would show that it is there
  const double began = monotonic_seconds();
  {
    Courier courier(keep());
    for (int i = 0; i < 3; ++i) courier.post(cat("m", i), say("x", 1));
    EXPECT_LT(monotonic_seconds() - began, 0.5) << "posting waits for nobody";
    courier.finish(0.5);
  }
  EXPECT_LT(monotonic_seconds() - began, 10) << "three minutes of sleep";
  EXPECT_THAT(failures, Contains(HasSubstr("m0: ")));
  EXPECT_THAT(failures, Contains(HasSubstr("m2: the run's end left no time for it")));
}

TEST_F(CourierTest, TheQueueIsBounded) {
  fake.add("say", "sleep 0.2");
  {
    Courier courier(keep());
    for (std::size_t i = 0; i < Courier::kWaiting + 10; ++i) courier.post("x", say("x", 1));
    EXPECT_THAT(failures, Contains(HasSubstr("messages are waiting already")));
  }
}

}  // namespace
}  // namespace pst::monitor
