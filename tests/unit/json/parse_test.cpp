// SPDX-License-Identifier: Apache-2.0
#include "json/parse.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "support/errors.hpp"

using namespace pst;
using testing::HasSubstr;

namespace {

std::string repeated(std::string_view part, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += part;
  return all;
}

TEST(Parse, TakesWhatTheLibraryTakes) {
  for (const std::string text : {R"({"a": [1, -2, 3.5, true, null, {"b": "\u00e9\n"}], "c": {}})", "7", "\"\"", " [ ] ",
                                 "18446744073709551615", "[[[]]]", "\xef\xbb\xbf{}"}) {
    SCOPED_TRACE(text);
    EXPECT_EQ(json::parse(text, "x"), nlohmann::json::parse(text));
    json::Ordered ordered;
    EXPECT_FALSE(json::read(text, ordered));
    EXPECT_EQ(ordered, nlohmann::ordered_json::parse(text));
  }
}

TEST(Parse, IntegersBeyond64BitsAreKeptWhereThatIsAsked) {
  const std::string digits = "123456789012345678901234567890";
  json::Ordered kept, real;
  ASSERT_FALSE(
      json::read("[" + digits + ", -9223372036854775809, 18446744073709551615, 1e30]", kept, {.long_integers = true}));
  ASSERT_FALSE(json::read("[" + digits + "]", real));

  EXPECT_EQ(json::long_integer(kept[0]), digits);
  EXPECT_EQ(json::long_integer(kept[1]), "-9223372036854775809");
  EXPECT_EQ(kept[2], 18446744073709551615u);
  EXPECT_EQ(json::long_integer(kept[3]), std::nullopt);
  EXPECT_TRUE(real[0].is_number_float());
}

TEST(Parse, KeepsTheOrderOfMembers) {
  const std::string text = R"({"z":1,"a":[{"y":2,"b":3}]})";
  json::Ordered ordered;
  ASSERT_FALSE(json::read(text, ordered));
  EXPECT_EQ(ordered.dump(), text);
}

TEST(Parse, RefusalsSayWhere) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "x:1:1: not valid JSON: unexpected end of input"},
      {"{\n  \"a\": tru\n}", "x:2:11: not valid JSON: invalid literal"},
      {"{} {}", "x:1:4: not valid JSON"},
      {"[1e999]", "x:1:"},
      {"[1e999]", "a number is too large"},
      {"[\"\xff\"]", "not valid JSON"},
      {std::string("{}\n\0{}", 6), "x:2:1: not valid JSON: a NUL byte"},
      {"{\n\"a\": 1,\n  \"a\": 2}", "x:3:5: key \"a\" occurs twice in one object"},
      {R"({"b": {"a": 1, "a": 2}})", "key \"a\" occurs twice"},
      {repeated("[", 65), "x:1:65: JSON nested more than 64 levels deep"},
      {repeated("{\"a\":", 1'000'000), "x:1:321: JSON nested more than 64 levels deep"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_THAT(fixture::error_of(Fault::data, [&] { json::parse(text, "x"); }), HasSubstr(message));
}

TEST(Parse, TheSameKeyMayBeInTwoObjects) {
  EXPECT_EQ(json::parse(R"([{"a": 1}, {"a": {"a": 2}}])", "x")[1]["a"]["a"], 2);
}

TEST(Parse, SixtyFourLevelsAreTaken) { EXPECT_NO_THROW(json::parse(repeated("[", 64) + repeated("]", 64), "x")); }

TEST(Read, HoldsItsLimits) {
  const json::Limits limits{.levels = 2, .members = 2, .nul_in_strings = false};
  const auto reason = [&](std::string_view text) {
    json::Ordered value;
    const auto flaw = json::read(text, value, limits);
    EXPECT_FALSE(flaw && flaw->syntax);
    return flaw ? cat(flaw->offset, ": ", flaw->reason) : "";
  };
  EXPECT_EQ(reason(R"({"a": [1, 2, 3], "b": 2})"), "");
  EXPECT_EQ(reason(R"([[[]]])"), "2: JSON nested more than 2 levels deep");
  EXPECT_EQ(reason(R"({"a":1,"b":2,"c":3})"), "15: an object with more than 2 keys");
  EXPECT_EQ(reason(R"(["\u0000"])"), "8: a text has the character \\u0000");
}

/// A value may take fifty times the bytes of its text.
TEST(Read, MemoryIsBoundedWhateverTheShape) {
  const json::Limits limits{.bytes = 1 << 20};
  for (const std::string_view unit : {"[],", "{},", "0,", "\"\",", "{\"a\":1},", "[[]],"}) {
    SCOPED_TRACE(unit);
    json::Value value;
    std::string text = "[" + repeated(unit, static_cast<int>(3'000'000 / unit.size()));
    text.back() = ']';
    const auto flaw = json::read(text, value, limits);
    ASSERT_TRUE(flaw);
    EXPECT_EQ(flaw->reason, "JSON that takes more than 1.0 MiB of memory");
    EXPECT_LT(flaw->offset, 200'000u);
  }
  std::string members = "{";
  for (int i = 0; i < 100'000; ++i) members += cat("\"", i, "\":0,");
  json::Value value;
  EXPECT_TRUE(json::read(members, value, limits));
  EXPECT_FALSE(json::read("[\"" + std::string(900'000, 'x') + "\"]", value, limits));
}

TEST(Read, AnOrderedObjectHasFewMembers) {  // each is compared with all before it
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += cat("\"", i, "\":0,");
  json::Ordered value;
  const auto flaw = json::read(text, value);
  ASSERT_TRUE(flaw);
  EXPECT_EQ(flaw->reason, "an object with more than 4096 keys");
}

TEST(Read, AMessageDoesNotRepeatMegabytes) {
  json::Value value;
  const auto flaw = json::read("[" + std::string(1'000'000, 'z'), value);
  ASSERT_TRUE(flaw);
  EXPECT_TRUE(flaw->syntax);
  EXPECT_LT(flaw->reason.size(), 200u);
}

}  // namespace
