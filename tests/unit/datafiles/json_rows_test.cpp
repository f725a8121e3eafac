// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "datafiles/json_texts.hpp"
#include "read_rows.hpp"

namespace pst::datafiles {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JsonRows : public ::testing::Test {
 protected:
  std::vector<std::string> under(const std::string& key, const std::string& content) {
    return files_.read("a.json", content, {.field = key});
  }
  fixture::Files files_;
};

TEST_F(JsonRows, AListUnderAKey) {
  EXPECT_THAT(
      under("data",
            "\n{\"version\": [1, {\"data\": 2}], \"x\": \"]}\",\n \"data\": [\n{\"a\": 1},\n{\"a\": 2}], \"y\": {}}\n"),
      ElementsAre("4: {\"a\":1}", "5: {\"a\":2}"));
  EXPECT_THAT(under("d\"ä", R"({"d\"\u00e4": [{"a": 1}]})"), ElementsAre("1: {\"a\":1}"));
  EXPECT_THAT(under("data", "{\"data\": []}"), ElementsAre());
}

TEST_F(JsonRows, WhatIsWrongAroundAListUnderAKey) {
  EXPECT_THAT(under("data", "[{\"a\": 1}]"), ElementsAre("1! the file is no JSON object with a key \"data\""));
  EXPECT_THAT(under("data", "{\"a\": 1,\n\"b\": []}"),
              ElementsAre("2! the file's object has no key \"data\"; its keys: \"a\", \"b\""));
  EXPECT_THAT(under("data", "{\"data\": {\"a\": 1}}"),
              ElementsAre("1! what stands under the key \"data\" is no JSON list of records"));
  EXPECT_THAT(under("data", "{\"data\": [{\"a\": 1}]"),
              ElementsAre("1: {\"a\":1}", "1! the file is a JSON object that does not end"));
  EXPECT_THAT(under("data", "{\"data\": [{\"a\": 1}], \"data\": []}"),
              ElementsAre("1: {\"a\":1}", "1! the file's object has the key \"data\" twice"));
  EXPECT_THAT(under("data", "{\"data\": [{\"a\": 1}]} x"),
              ElementsAre("1: {\"a\":1}", "1! there is more behind the end of the JSON list"));
  EXPECT_THAT(under("data", "{\"a\" 1, \"data\": []}"),
              ElementsAre("1! the file is a JSON object; a colon is missing here"));
  EXPECT_THAT(under("data", "{\"a\": 1 \"data\": []}"),
              ElementsAre("1! the file is a JSON object; a comma or its end is missing here"));
  EXPECT_THAT(under("data", "{\"a\": {\"b\": "), ElementsAre("1! the file is a JSON object that does not end"));
}

TEST_F(JsonRows, TheTextOfARecordIsThatOfTheFile) {
  write_durably(files_ / "a.jsonl", "{\"a\":  1.0}\r\n\n[{\"b\": 1}]\n{\"c\":1e2}");
  const DataFile file = DataFile::open((files_ / "a.jsonl").string());
  const auto rows = file.rows();
  EXPECT_EQ(rows->next()->text, "{\"a\":  1.0}");
  EXPECT_THROW(rows->next(), Error);
  EXPECT_EQ(rows->next()->text, "{\"c\":1e2}");
  EXPECT_FALSE(rows->next());
}

TEST_F(JsonRows, KeysThatHoldListsAreFound) {
  EXPECT_THAT(keys_of_lists(" {\"a\": 1, \"b\": [1], \"c\": {\"d\": []}, \"e\": [{}"), ElementsAre("b", "e"));
  EXPECT_THAT(keys_of_lists("[1]"), ElementsAre());
  EXPECT_THAT(keys_of_lists("{\"a"), ElementsAre());
}

TEST_F(JsonRows, AnotherEncodingIsReadWhereItIsNamed) {
  const std::string latin = "{\"text\": \"caf\xe9 \x80\"}\n{\"text\": \"b\"}\n";
  EXPECT_THAT(files_.read("a.jsonl", latin), ElementsAre(HasSubstr("1! the line is not UTF-8"), "2: {\"text\":\"b\"}"));
  EXPECT_THAT(files_.read("a.jsonl", latin, {.encoding = "WINDOWS-1252"}),
              ElementsAre("1: {\"text\":\"café €\"}", "2: {\"text\":\"b\"}"));
  EXPECT_THAT(files_.read("a.txt", "b\ne\xec", {.encoding = "WINDOWS-1258"}),
              ElementsAre("1: {\"text\":\"b\"}", "2: {\"text\":\"é\"}"));
  EXPECT_THAT(files_.read("a.txt", "b\nce", {.encoding = "WINDOWS-1258"}),
              ElementsAre("1: {\"text\":\"b\"}", "2: {\"text\":\"ce\"}"))
      << "an accent could have followed the last letter";
  std::string wide = "\xff\xfe";
  for (const char c : std::string("{\"text\": \"a\"}\n{\"text\": \"b\"}\n")) wide += std::string({c, '\0'});
  EXPECT_THAT(files_.read("a.jsonl", wide, {.encoding = "UTF-16"}),
              ElementsAre("1: {\"text\":\"a\"}", "2: {\"text\":\"b\"}"));
  EXPECT_THAT(files_.refusal("a.jsonl", wide), HasSubstr("is UTF-16, and must be UTF-8"));
  EXPECT_THAT(files_.read("a.jsonl", wide + "x", {.encoding = "UTF-16"}),
              ::testing::Contains(HasSubstr("the text ends within a character")));
  EXPECT_THAT(files_.refusal("a.jsonl", latin, {.encoding = "klingon"}), HasSubstr("\"klingon\""));
}

}  // namespace
}  // namespace pst::datafiles
