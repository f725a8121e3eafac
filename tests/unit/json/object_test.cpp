// SPDX-License-Identifier: Apache-2.0
#include "json/object.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

using namespace pst;
using testing::HasSubstr;

namespace {

const char* const kText = R"({
  "name": "x",
  "layers": 3, "null": null,
  "rope": {
    "factor": 8.5,
    "name": "y"
  },
  "on": true,
  "list": [
    {"ranks": 1},
    {"ranks": -1}
  ],
  "huge": 18446744073709551615,
  "a.b": {"ranks": "\u00e9\n"}
})";

class Objects : public testing::Test {
 protected:
  /// The report about what `body` asks of the object above, which has to be refused.
  template <class Body>
  std::string complaint(Body&& body) const {
    return fixture::error_of(Fault::data, [&] { body(); });
  }
  json::Document document_{kText, "c.json", "write it anew"};
  json::Object root_ = document_.object();
};

TEST_F(Objects, ReadWhatIsThere) {
  EXPECT_EQ(root_.text("name"), "x");
  EXPECT_EQ(root_.needed_size("layers"), 3);
  EXPECT_EQ(root_.inner("rope").positive("factor"), 8.5);
  EXPECT_TRUE(root_.flag("on"));
  EXPECT_EQ(root_.at("list").list()[1].object().at("ranks").whole(-1), -1);
  EXPECT_EQ(root_.at("layers").real(), 3);
  EXPECT_EQ(root_.members().size(), 8u);
  const json::Document lists(R"({"a": [1, 2], "b": ["x"], "c": [1, 2.5]})", "l.json");
  EXPECT_EQ(lists.object().at("a").wholes(1, 2), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(lists.object().at("b").texts(), std::vector<std::string>{"x"});
  EXPECT_EQ(lists.object().at("c").reals(), (std::vector<double>{1, 2.5}));
  EXPECT_THAT(complaint([&] { lists.object().at("c").wholes(); }), HasSubstr("'c[1]' is 2.5; it must be a whole"));
  EXPECT_THAT(complaint([&] { lists.object().at("a").wholes(2); }), HasSubstr("'a[0]' is 1; it must be a whole"));
  EXPECT_THAT(complaint([&] { lists.object().at("b").reals(); }), HasSubstr("'b[0]' is \"x\"; it must be a number"));
  EXPECT_THAT(complaint([&] { lists.object().at("a").texts(); }), HasSubstr("'a[0]' is 1; it must be a string"));
}

TEST_F(Objects, AnAbsentKeyAndANullOneAreNothing) {
  for (const char* key : {"null", "nowhere"}) {
    EXPECT_EQ(root_.find(key), nullptr);
    EXPECT_FALSE(root_.get(key));
    EXPECT_FALSE(root_.size(key));
    EXPECT_FALSE(root_.positive(key));
    EXPECT_FALSE(root_.text(key));
    EXPECT_FALSE(root_.flag(key));
    EXPECT_TRUE(root_.flag(key, true));
    EXPECT_THAT(complaint([&] { root_.at(key); }), HasSubstr(std::string("c.json: '") + key + "' is missing"));
  }
  EXPECT_TRUE(root_.has("null"));
  EXPECT_FALSE(root_.has("nowhere"));
}

TEST_F(Objects, AWrongTypeIsAnErrorThatNamesFileLineAndKey) {
  EXPECT_THAT(complaint([&] { root_.text("layers"); }), HasSubstr("c.json:3: 'layers' is 3; it must be a string"));
  EXPECT_THAT(complaint([&] { root_.size("name"); }), HasSubstr("c.json:2: 'name' is \"x\"; it must be a whole"));
  EXPECT_THAT(complaint([&] { root_.flag("name"); }), HasSubstr("it must be true or false"));
  EXPECT_THAT(complaint([&] { root_.inner("name"); }), HasSubstr("it must be an object"));
  EXPECT_THAT(complaint([&] { root_.at("name").list(); }), HasSubstr("it must be a list"));
  EXPECT_THAT(complaint([&] { root_.positive("on"); }),
              HasSubstr("c.json:8: 'on' is true; it must be a number above 0"));
  EXPECT_THAT(complaint([&] { root_.at("huge").whole(); }),
              HasSubstr("'huge' is 18446744073709551615; it must be a whole number from 0 on"));
  EXPECT_THAT(complaint([&] { root_.at("layers").whole(4, 9); }), HasSubstr("it must be a whole number from 4 to 9"));
  EXPECT_THAT(complaint([&] { root_.at("layers").real(4, 9); }), HasSubstr("it must be a number from 4 to 9"));
  EXPECT_THAT(complaint([&] { root_.at("list").list(1); }),
              HasSubstr("c.json:9: 'list' has 2 elements; at most are 1"));
}

TEST_F(Objects, TheLineIsTheKeysOwnWhereverTheSameNameOccurs) {
  EXPECT_THAT(complaint([&] { root_.inner("rope").size("name"); }), HasSubstr("c.json:6: 'rope.name' is"));
  EXPECT_THAT(complaint([&] { root_.at("list").list()[1].object().at("ranks").whole(0); }),
              HasSubstr("c.json:11: 'list[1].ranks' is -1"));
  EXPECT_THAT(complaint([&] { root_.at("list").list()[1].text(); }), HasSubstr("c.json:11: 'list[1]' is"));
  EXPECT_THAT(complaint([&] { root_.inner("a.b").size("ranks"); }), HasSubstr("c.json:14: 'a.b.ranks' is"));
  EXPECT_THAT(complaint([&] { root_.inner("rope").at("gone"); }), HasSubstr("c.json:4: 'rope.gone' is missing"));
}

TEST_F(Objects, ARemedyIsTheDocumentsUnlessGiven) {
  EXPECT_THAT(complaint([&] { root_.refuse("layers", "is too many"); }), HasSubstr("try: write it anew"));
  const auto own = complaint([&] { root_.refuse("layers", "is too many", "take two"); });
  EXPECT_THAT(own, HasSubstr("c.json:3: 'layers' is too many"));
  EXPECT_THAT(own, HasSubstr("try: take two"));
  EXPECT_THAT(complaint([&] { root_.refuse("nowhere", "is wanted"); }), HasSubstr("c.json: 'nowhere' is wanted"));
}

/// The line of a complaint is found by walking over the text: not by spelling out the path of every member.
TEST(Documents, ALineIsFoundInLinearTime) {
  std::string text, close;
  for (int level = 0; level < 30; ++level) text += cat("{\"", std::string(20'000, 'k'), level, "\":"), close += "}";
  text += "{";
  for (int i = 0; i < 50'000; ++i) text += cat("\"", i, "\":0,");
  text += "\n\"last\":[1,\n2]}" + close;
  const json::Document document(text, "c.json");
  json::Object at = document.object();
  for (int level = 0; level < 30; ++level) at = at.members().front().second.object();
  const double start_s = thread_cpu_seconds();

  EXPECT_THAT(at.at("last").list()[1].place(), testing::StartsWith("c.json:3: "));

  EXPECT_LT(thread_cpu_seconds() - start_s, 2);  // 50,000 paths of 600 kB are 30 GB
}

TEST(Shown, IsShortAndHarmless) {
  EXPECT_EQ(json::shown("a\n\"b\""), "\"a\\x0a\\\"b\\\"\"");
  EXPECT_EQ(json::shown({1, "\x7f\n"}), R"([1,"\u007f\n"])");
  EXPECT_LT(json::shown(std::string(1'000'000, 'x')).size(), 100u);
  EXPECT_LT(json::shown(std::vector<int>(1'000'000)).size(), 100u);
}

TEST(Documents, ComeFromAFile) {
  const fixture::TemporaryDirectory dir;
  const auto file = dir.path() / "a.json";
  write_durably(file, "[1]");
  EXPECT_EQ(json::Document(file, 100).root().list().size(), 1u);
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { json::Document(file, 100).object(); }),
              HasSubstr("a.json: the file does not hold a JSON object"));
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { json::Document(file, 2); }), HasSubstr("a.json"));
}

}  // namespace
