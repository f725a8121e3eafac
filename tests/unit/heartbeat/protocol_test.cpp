// SPDX-License-Identifier: Apache-2.0
#include "heartbeat/protocol.hpp"

#include <gmock/gmock.h>

namespace pst::heartbeat {
namespace {

using testing::ElementsAre;

std::string without_newline(std::string line) {
  line.pop_back();
  return line;
}

TEST(Protocol, WhatIsWrittenIsRead) {
  const auto hello =
      parse_hello(without_newline(to_line(Hello{.token = "ab", .attempt = 3, .rank = 7, .pid = 99, .host = "gpu-02"})));
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->token, "ab");
  EXPECT_EQ(hello->attempt, 3);
  EXPECT_EQ(hello->rank, 7);
  EXPECT_EQ(hello->pid, 99);
  EXPECT_EQ(hello->host, "gpu-02");
  for (const Phase phase :
       {Phase::joining, Phase::starting, Phase::training, Phase::evaluating, Phase::saving, Phase::finishing}) {
    const auto beat = parse_beat(without_newline(to_line(Beat{.step = 12, .phase = phase})));
    ASSERT_TRUE(beat);
    EXPECT_EQ(beat->step, 12);
    EXPECT_EQ(beat->phase, phase);
  }
  for (const Order order : {Order::stop, Order::die, Order::stacks}) EXPECT_EQ(parse_order(name_of(order)), order);
}

TEST(Protocol, AnyOtherLineIsRefused) {
  for (const char* line :
       {"", "hello", "hello t 1 0 1", "hello t 1 0 1 h x", "hello  1 0 1 h", "hello t -1 0 1 h", "hello t 1 -2 1 h",
        "hello t 1 99999999 1 h", "hello t 1 0 0 h", "hello t 1 0 1 -x", "hello t 1 0 1 a;b", "GET / HTTP/1.1"})
    EXPECT_FALSE(parse_hello(line)) << line;
  for (const char* line : {"", "beat", "beat 1", "beat -1 training", "beat 1 sleeping", "beat 1x training",
                           "beat 99999999999999999999 training"})
    EXPECT_FALSE(parse_beat(line)) << line;
  EXPECT_FALSE(parse_order("stop "));
}

TEST(Protocol, TokensAreComparedWhole) {
  EXPECT_TRUE(same_token("abcd", "abcd"));
  EXPECT_FALSE(same_token("abcd", "abce"));
  EXPECT_FALSE(same_token("abcd", "abc"));
  EXPECT_FALSE(same_token("", "a"));
}

TEST(Protocol, LinesAreCutWhereTheyEnd) {
  LineBuffer buffer;
  EXPECT_THAT(*buffer.add("one\ntw"), ElementsAre("one"));
  EXPECT_THAT(*buffer.add("o\n\nthree"), ElementsAre("two", ""));
  EXPECT_FALSE(buffer.add(std::string(kMaxLine, 'x')));
}

TEST(Protocol, ALineThatNeverEndsIsRefused) {
  LineBuffer buffer;
  EXPECT_TRUE(buffer.add(std::string(kMaxLine, 'x')));
  EXPECT_FALSE(buffer.add("x"));
  LineBuffer at_once;
  EXPECT_FALSE(at_once.add(std::string(kMaxLine + 1, 'x') + "\n"));
}

}  // namespace
}  // namespace pst::heartbeat
