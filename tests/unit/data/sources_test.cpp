// SPDX-License-Identifier: Apache-2.0
// Files of other forms, as a recipe names them.
#include <gmock/gmock.h>

#include "core/strings.hpp"
#include "data/read_source.hpp"
#include "datafiles/compression.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace pst::data {
namespace {

using pst::fixture::error_of;
using recipe::DataFormat;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Sources : public ::testing::Test {
 protected:
  struct Result {
    std::vector<std::string> texts, problems, reasons;
  };
  /// "prompt -> completion", or the roles and texts of a chat.
  Result read(recipe::Source source, const std::string& split = "train") {
    source.path = (folder_ / source.path).string();
    Result result;
    config::Problems problems;
    for (const SourceFile& file : open_sources(source, split)) {
      result.reasons.push_back(file.reason);
      read_examples(
          file, std::nullopt,
          [&](Example&& example) {
            std::string text = example.kind == Example::Kind::text ? example.completion
                                                                   : cat(example.prompt, " -> ", example.completion);
            if (example.kind == Example::Kind::chat) text = example.messages.dump();
            result.texts.push_back(cat(example.is_bad ? "bad: " : "", text));
            return std::nullopt;
          },
          problems);
    }
    for (const auto& line : problems.lines())
      result.problems.push_back(line.substr(folder_.path().string().size() + 1));
    return result;
  }
  void write(const std::string& name, const std::string& content) {
    fs::create_directories((folder_ / name).parent_path());
    write_durably(folder_ / name, content);
  }
  pst::fixture::TemporaryDirectory folder_;
};

TEST_F(Sources, ATableWithColumns) {
  write("a.csv", "id;question;answer\n1;2+2?;4\n2;\"a;b\";\n");
  const auto result = read({.path = "a.csv", .columns = {{"prompt", "question"}, {"completion", "answer"}}});

  EXPECT_THAT(result.texts, ElementsAre("2+2? -> 4"));
  EXPECT_THAT(result.problems, ElementsAre(HasSubstr("a.csv:3: \"completion\" is a JSON null")));
  EXPECT_THAT(result.reasons,
              ElementsAre("the first record has \"prompt\" and \"completion\"; CSV; \";\" between the cells"));
  recipe::Source source{.path = (folder_ / "a.csv").string()};
  EXPECT_THAT(error_of(Fault::data, [&] { open_sources(source, "train"); }),
              ::testing::AllOf(HasSubstr("a.csv:2: the record has none of"), HasSubstr("columns: {prompt: question")));
}

TEST_F(Sources, ListsInCellsAreReadAsJson) {
  write("a.csv",
        "messages\n\"[{\"\"role\"\": \"\"user\"\", \"\"content\"\": \"\"x\"\"}]\"\n\"[{'role': 'user', 'content': "
        "'x'}]\"\n[1\n");
  const auto result = read({.path = "a.csv"});
  EXPECT_THAT(result.texts, ElementsAre(R"([{"role":"user","content":"x"}])"));
  EXPECT_THAT(
      result.problems,
      ElementsAre(
          HasSubstr(
              "a.csv:3: \"messages\" is a text that begins like JSON and is none: it is a list as Python prints it"),
          HasSubstr("a.csv:4: \"messages\" is a text that begins like JSON and is none")));
}

TEST_F(Sources, ALabelOfATableIsAText) {
  write("a.csv", "prompt,completion,label\np,c,True\np,d,False\n");
  EXPECT_THAT(read({.path = "a.csv"}).texts, ElementsAre("p -> c", "bad: p -> d"));
}

TEST_F(Sources, ATemplateMakesRecords) {
  write("a.jsonl", R"({"q": "2+2?", "options": ["3", "4"], "right": 1})");
  const auto result =
      read({.path = "a.jsonl",
            .row_template = R"({"prompt": {{ q | tojson }}, "completion": {{ options[right] | tojson }}})"});
  EXPECT_THAT(result.texts, ElementsAre("2+2? -> 4"));
}

TEST_F(Sources, AListUnderAKeyIsFoundAndNamed) {
  write("a.json", "{\n \"version\": 1,\n \"data\": [\n  {\"text\": \"a\"},\n  {\"txt\": \"b\"}\n ]\n}\n");
  const auto result = read({.path = "a.json", .field = "data"});
  EXPECT_THAT(result.texts, ElementsAre("a"));
  EXPECT_THAT(result.problems, ElementsAre(HasSubstr("a.json:5: the record has no \"text\"")));
  recipe::Source source{.path = (folder_ / "a.json").string()};
  EXPECT_THAT(error_of(Fault::data, [&] { open_sources(source, "train"); }),
              HasSubstr("name its key beside the path: `field: data`"));
}

TEST_F(Sources, CompressedFilesAndFolders) {
  const auto& gzip = *datafiles::compressions()[0];
  write("d/train-0.jsonl.gz", gzip.pack("{\"text\": \"a\"}\n{\n"));
  write("d/train-1.jsonl", "{\"text\": \"b\"}\n");
  write("d/dev.jsonl", "{\"text\": \"c\"}\n");
  write("t.txt.gz", gzip.pack("one\n\ntwo\n"));
  write("c.yml.gz", gzip.pack("conversations:\n- [q, a]\n"));

  const auto train = read({.path = "d"});
  EXPECT_THAT(train.texts, ElementsAre("a", "b"));
  EXPECT_THAT(train.problems, ElementsAre(HasSubstr("d/train-0.jsonl.gz:2: not JSON")));
  EXPECT_THAT(train.reasons[0], HasSubstr("; gzip; split train of the folder, 2 files"));
  EXPECT_THAT(read({.path = "d"}, "validation").texts, ElementsAre("c"));
  EXPECT_THAT(read({.path = "d/*.jsonl"}).texts, ElementsAre("c", "b"));
  EXPECT_THAT(read({.path = "t.txt.gz"}).texts, ElementsAre("one", "two"));
  EXPECT_THAT(read({.path = "c.yml.gz"}).texts, ElementsAre(HasSubstr("\"content\":\"q\"")));
}

TEST_F(Sources, RecordsThatNothingIsTrainedOnAreCheckedAndRefused) {
  const std::tuple<const char*, const char*, const char*, DataFormat> kinds[] = {
      {R"({"prompt": "p", "chosen": "a", "rejected": "b"})", R"({"prompt": "p", "chosen": "a", "rejected": "a"})",
       "preference record", DataFormat::preference},
      {R"({"prompt": "p", "completion": "a", "label": true})", R"({"prompt": "p", "completion": "a", "label": 3})",
       "unpaired preferences", DataFormat::kto},
      {R"({"prompt": "p", "completions": ["a", "b"], "labels": [true, false]})",
       R"({"prompt": "p", "completions": ["a"], "labels": [true, false]})", "steps with labels", DataFormat::stepwise},
      {R"({"prompt": "p"})", R"({"prompt": " "})", "prompt without an answer", DataFormat::prompt_only}};
  for (const auto& [good, bad, name, format] : kinds) {
    SCOPED_TRACE(name);
    write("a.jsonl", cat(bad, "\n", good, "\n", good, "\n"));
    for (const DataFormat given : {format, DataFormat::automatic}) {
      if (format == DataFormat::kto && given == DataFormat::automatic) continue;  // learned as answers that are wanted
      const auto result = read({.path = "a.jsonl", .format = given});
      EXPECT_THAT(result.texts, IsEmpty());
      ASSERT_EQ(result.problems.size(), 2u);
      EXPECT_THAT(result.problems[0], HasSubstr("a.jsonl:1: \""));
      EXPECT_THAT(result.problems[1], ::testing::AllOf(HasSubstr("a.jsonl:2: this is a "), HasSubstr(name),
                                                       HasSubstr("a run does not train on those")));
    }
  }
}

TEST_F(Sources, WhatIsNoDataIsRecognised) {
  const std::pair<std::string, const char*> cases[] = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer"},
      {"\n<!DOCTYPE html>\n<html>", "is an HTML page"},
      {"PK\x03\x04xx", "is a ZIP archive"},
      {"%PDF-1.7", "is a PDF document"},
      {std::string("\x80\x04\x95\0", 4), "is a pickle of Python"},
      {"\x89PNG\r\n\x1a\n", "is a PNG picture"},
      {"<?xml version=\"1.0\"?>", "is an XML document"}};
  for (const auto& [content, what] : cases)
    for (const char* const name : {"a.jsonl", "a.csv", "a.txt"}) {
      write(name, content);
      recipe::Source source{.path = (folder_ / name).string()};
      EXPECT_THAT(error_of(Fault::data, [&] { open_sources(source, "train"); }),
                  ::testing::AllOf(HasSubstr(what), HasSubstr("  try: ")))
          << name;
    }
}

}  // namespace
}  // namespace pst::data
