// SPDX-License-Identifier: Apache-2.0
#include "datafiles/column_map.hpp"

#include <gmock/gmock.h>

#include "support/errors.hpp"

namespace pst::datafiles {
namespace {

using pst::fixture::error_of;
using ::testing::HasSubstr;

using Names = std::map<std::string, std::string>;

const Json kRecord =
    Json::parse(R"({"q": "2+2?", "answers": {"text": ["4", "four"], "a.b": 1}, "raw": "{\"x\": [true]}", "id": 7})");

std::string written(const Columns& columns) { return columns.applied(kRecord).dump(); }

TEST(Columns, ValuesMoveAndTheRestStays) {
  EXPECT_EQ(
      written(Columns(Names{{"prompt", "q"}, {"completion", "answers.text.1"}})),
      R"({"completion":"four","prompt":"2+2?","answers":{"text":["4","four"],"a.b":1},"raw":"{\"x\": [true]}","id":7})");
  EXPECT_EQ(Columns(Names{{"a", "answers.a.b"}}).applied(kRecord)["a"], 1) << "a key may have the dots itself";
  EXPECT_EQ(Columns(Names{{"a", "raw.x.0"}}).applied(kRecord)["a"], true) << "what is JSON in a text is looked into";
  EXPECT_FALSE(Columns().changes());
  EXPECT_EQ(written(Columns()), kRecord.dump());
}

TEST(Columns, AMissingOneNamesItsKeys) {
  EXPECT_THAT(
      error_of(Fault::data,
               [] {
                 written(Columns(Names{{"prompt", "question"}}));
               }),
      HasSubstr("the record has no \"question\", which `columns` takes for \"prompt\"; its keys: \"q\", \"answers\""));
  for (const char* const path : {"answers.text.2", "answers.text.x", "q.x", "answers.", "", "answers.text.-1"})
    EXPECT_THAT(error_of(Fault::data,
                         [&] {
                           written(Columns(Names{{"p", path}}));
                         }),
                HasSubstr("the record has no"))
        << path;
}

TEST(Columns, ATemplateWritesTheRecord) {
  EXPECT_EQ(
      written(Columns({}, R"({"prompt": {{ ("Q: " ~ q) | tojson }}, "completion": {{ answers.text[0] | tojson }}})")),
      R"({"prompt":"Q: 2+2?","completion":"4"})");
  EXPECT_EQ(written(Columns(Names{{"question", "q"}}, R"({"text": {{ question | tojson }}})")), R"({"text":"2+2?"})");
  EXPECT_THAT(error_of(Fault::data, [] { written(Columns({}, "{\"text\": {{ q }}}")); }),
              HasSubstr("row_template wrote \"{\\\"text\\\": 2+2?}\": not JSON"));
  EXPECT_THAT(error_of(Fault::data, [] { written(Columns({}, "{{ raise_exception('no') }}")); }), HasSubstr("no"));
  EXPECT_THAT(error_of(Fault::data, [] { Columns({}, "{% if %}"); }), HasSubstr("row_template:1"));
}

TEST(Columns, TheirTextChangesWithThem) {
  EXPECT_EQ(Columns().text(), "");
  EXPECT_NE(Columns(Names{{"a", "b"}}).text(), Columns(Names{{"b", "a"}}).text());
  EXPECT_NE(Columns(Names{{"a", "b"}}).text(), Columns(Names{{"a", "b"}}, "{}").text());
}

}  // namespace
}  // namespace pst::datafiles
