// SPDX-License-Identifier: Apache-2.0
#include "json/record.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

using namespace pst;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

TEST(Record, IsAWholeObjectOrNothing) {
  EXPECT_TRUE(json::parse_record(R"({"a": 1})"));
  for (const std::string line : {"", "[1]", "7", R"({"a": 1)", R"({"a": 1}})", R"({"a": 1, "a": 2})"})
    EXPECT_FALSE(json::parse_record(line)) << line;
  EXPECT_FALSE(json::parse_record(std::string(100'000, '[')));
  std::string many = "{";
  for (int i = 0; i < 100'000; ++i) many += "\"" + std::to_string(i) + "\":0,";
  EXPECT_FALSE(json::parse_record(many + "\"x\":0}"));
}

TEST(Record, WhatIsAbsentOrOfAnotherTypeIsNothing) {
  const auto record =
      *json::parse_record(R"({"n": 7, "x": 1.5, "s": "t", "l": ["a", 1, "b"], "yes": true, "z": null})");
  EXPECT_EQ(json::integer(record, "n"), 7);
  EXPECT_EQ(json::real(record, "n"), 7);
  EXPECT_EQ(json::real(record, "x"), 1.5);
  EXPECT_EQ(json::text_of(record, "s"), "t");
  EXPECT_THAT(json::texts_of(record, "l"), ElementsAre("a", "b"));
  EXPECT_TRUE(json::is_true(record, "yes"));
  for (const char* key : {"s", "l", "yes", "z", "gone"}) {
    EXPECT_FALSE(json::integer(record, key)) << key;
    EXPECT_FALSE(json::real(record, key)) << key;
  }
  EXPECT_FALSE(json::integer(record, "x"));
  for (const char* key : {"n", "x", "l", "yes", "z", "gone"}) EXPECT_EQ(json::text_of(record, key), "") << key;
  for (const char* key : {"n", "s", "gone"}) {
    EXPECT_THAT(json::texts_of(record, key), IsEmpty()) << key;
    EXPECT_FALSE(json::is_true(record, key)) << key;
  }
}

}  // namespace
