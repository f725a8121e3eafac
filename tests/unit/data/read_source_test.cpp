// SPDX-License-Identifier: Apache-2.0
#include "data/read_source.hpp"

#include <gmock/gmock.h>

#include "core/strings.hpp"
#include "support/temporary_directory.hpp"

namespace pst::data {
namespace {

using recipe::DataFormat;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct ReadResult {
  std::vector<Example> examples;
  std::vector<std::string> problems;
  DataFormat format;
  std::string reason;
};

class ReadSource : public ::testing::Test {
 protected:
  ReadResult read(const std::string& name, const std::string& content, DataFormat format = DataFormat::automatic,
                  std::optional<int> most = std::nullopt) {
    write_durably(folder_ / name, content);
    const SourceFile source = open_source({(folder_ / name).string(), format});
    ReadResult result{{}, {}, source.format, source.reason};
    config::Problems problems;
    read_examples(
        source, most,
        [&](Example&& example) {
          result.examples.push_back(std::move(example));
          return std::nullopt;
        },
        problems);
    for (const auto& line : problems.lines())
      result.problems.push_back(line.substr(folder_.path().string().size() + 1));
    return result;
  }
  std::string open_error(const std::string& name, const std::string& content) {
    write_durably(folder_ / name, content);
    try {
      open_source({(folder_ / name).string(), DataFormat::automatic});
      return "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data);
      return error.message() + " " + error.remedy();
    }
  }
  pst::fixture::TemporaryDirectory folder_;
};

TEST_F(ReadSource, Chat) {
  const auto result =
      read("a.jsonl",
           "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}, {\"role\": \"assistant\", \"content\": "
           "[{\"type\": \"text\", \"text\": \"a\"}, {\"type\": \"text\", \"text\": \"b\"}]}]}\r\n"
           "\n"
           "{\"messages\": [{\"role\": \"user\", \"content\": \"x\", \"name\": \"n\"}], \"tools\": [{\"type\": "
           "\"function\"}], \"id\": 4}");

  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.format, DataFormat::chat);
  EXPECT_EQ(result.reason, "the first record has \"messages\"");
  ASSERT_EQ(result.examples.size(), 2u);
  EXPECT_EQ(result.examples[0].messages[1]["content"], "ab");
  EXPECT_EQ(result.examples[0].line, 1);
  EXPECT_TRUE(result.examples[0].tools.is_null());
  EXPECT_EQ(result.examples[1].line, 3);
  EXPECT_EQ(result.examples[1].messages[0]["name"], "n");
  EXPECT_EQ(result.examples[1].tools[0]["type"], "function");
}

TEST_F(ReadSource, ConversationsOfShareGpt) {
  const auto result = read(
      "a.jsonl",
      R"({"conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]})"
      "\n"
      R"({"conversations": [{"from": "human"}]})"
      "\n"
      R"({"conversations": "no"})");

  EXPECT_EQ(result.format, DataFormat::chat);
  std::vector<std::string> turns;
  for (const auto& message : result.examples.at(0).messages)
    turns.push_back(cat(message["role"].get<std::string>(), " ", message["content"].get<std::string>()));
  EXPECT_THAT(turns, ElementsAre("system s", "user q", "assistant a"));
  EXPECT_THAT(result.problems, ElementsAre(HasSubstr("a.jsonl:2: message 1 has no \"role\""),
                                           HasSubstr("a.jsonl:3: \"conversations\" is a JSON string")));
}

TEST_F(ReadSource, PromptAndCompletionAsTextsAndAsMessages) {
  const auto result =
      read("a.jsonl",
           R"({"prompt": "p", "completion": "c"})"
           "\n"
           R"({"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": "a"}]})");

  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.format, DataFormat::prompt_completion);
  EXPECT_EQ(result.examples[0].kind, Example::Kind::pair);
  EXPECT_EQ(result.examples[0].prompt, "p");
  EXPECT_EQ(result.examples[1].kind, Example::Kind::chat);
  EXPECT_EQ(result.examples[1].prompt_messages, 1u);
  EXPECT_EQ(result.examples[1].messages.size(), 2u);
}

TEST_F(ReadSource, Alpaca) {
  const auto result =
      read("a.jsonl", R"({"instruction": "add", "input": "1 2", "output": "3"})"
                      "\n"
                      R"({"instruction": "add", "input": "", "output": "3", "system": "s", "history": [["q", "a"]]})");

  EXPECT_EQ(result.format, DataFormat::alpaca);
  EXPECT_EQ(result.examples[0].prompt, "add\n1 2");
  EXPECT_EQ(result.examples[0].completion, "3");
  std::vector<std::string> turns;
  for (const auto& message : result.examples[1].messages)
    turns.push_back(cat(message["role"].get<std::string>(), " ", message["content"].get<std::string>()));
  EXPECT_THAT(turns, ElementsAre("system s", "user q", "assistant a", "user add", "assistant 3"));
}

TEST_F(ReadSource, TextAsRecordsAndAsLines) {
  const auto records = read("a.jsonl", R"({"text": "one\ntwo"})");
  EXPECT_EQ(records.format, DataFormat::text);
  EXPECT_EQ(records.examples[0].completion, "one\ntwo");

  const auto lines = read("a.txt", "\xef\xbb\xbfone\n\n  \ntwo {\r\nthree");
  EXPECT_EQ(lines.reason, "the extension .txt");
  ASSERT_EQ(lines.examples.size(), 3u);
  EXPECT_EQ(lines.examples[0].completion, "one");
  EXPECT_EQ(lines.examples[1].completion, "two {");
  EXPECT_EQ(lines.examples[1].line, 4);
  EXPECT_EQ(lines.examples[2].completion, "three");
}

TEST_F(ReadSource, ChatterbotTurnsAlternateAndScalarsAreText) {
  const auto result = read(
      "a.yml", "categories:\n- c\nconversations:\n- - Is 1 + 1 = 2?\n  - true\n- - 12\n  - 1.50\n  - 'no'\n  - no\n");

  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.format, DataFormat::chatterbot);
  ASSERT_EQ(result.examples.size(), 2u);
  EXPECT_EQ(result.examples[0].messages[0]["role"], "user");
  EXPECT_EQ(result.examples[0].messages[1]["content"], "true");
  EXPECT_EQ(result.examples[1].messages[1]["content"], "1.50");
  EXPECT_EQ(result.examples[1].messages[3]["role"], "assistant");
  EXPECT_EQ(result.examples[1].line, 6);
}

TEST_F(ReadSource, KeysOfAChatterbotFileThatAreNotReadAreTold) {
  const auto result = read("a.yml", "categories: [c]\nsystem: Be brief.\nconversations:\n- [q, a]\n- [q, a]\n");

  std::vector<std::string> told;
  for (const auto& example : result.examples)
    for (const auto& note : example.notes) told.push_back(cat(example.line, " ", note.what, " ", note.subject));
  EXPECT_THAT(told,
              ElementsAre("4 not used, keys of the file \"categories\"", "4 not used, keys of the file \"system\""));
}

TEST_F(ReadSource, TakesTheFirstSoMany) {
  const auto result = read("a.txt", "1\n2\n3\n4\n", DataFormat::automatic, 2);

  EXPECT_EQ(result.examples.size(), 2u);
}

TEST_F(ReadSource, NamesFileLineAndReason) {
  const std::pair<const char*, const char*> chats[] = {
      {R"({"messages": [{"role": "user", "content": "x"}, {"content": "y"}]})", R"(message 2 has no "role")"},
      {R"({"messages": [{"role": "user"}]})", R"(message 1 has no "content")"},
      {R"({"messages": [{"role": "user", "content": null}]})", R"(message 1 has no "content")"},
      {R"({"messages": [{"role": "user", "content": 3}]})",
       R"(message 1: "content" is a JSON number; it must be a text)"},
      {R"({"messages": [{"role": "user", "content": [{"type": "image", "url": "x"}]}]})", "only text is learned here"},
      {R"({"messages": [{"role": 3, "content": "x"}]})", R"(message 1: "role" must be a word)"},
      {R"({"messages": ["x"]})", "message 1 is a JSON string; it must be an object"},
      {R"({"messages": []})", R"("messages" is an empty list)"},
      {R"({"messages": "x"})", R"("messages" is a JSON string; it must be a list of messages)"},
      {R"({"massages": []})", R"(the record has no "messages"; its keys: "massages")"},
      {R"({"messages": [{"role": "user", "content": "x"}], "tools": 3})", R"("tools" is a JSON number)"},
      {"[1, 2]", "the line is a JSON array; an example is an object {...}"},
      {"{\"messages\": [", "not JSON at column 15: unexpected end of input"},
      {"{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]} junk", "not JSON at column"},
      {"{'messages': []}", "not JSON at column 2"},
      {R"({"messages": [{"role": "a", "role": "b", "content": ""}]})", R"(key "role" occurs twice)"},
      {R"({"messages": [{"role": "a", "content": "\u0000"}]})", "a text has the character \\u0000"},
      {R"({"messages": [{"role": "a", "content": "\ud800"}]})", "not JSON at column"},
      {"{\"messages\": [{\"role\": \"a\", \"content\": \"\xff\"}]}", "the line is not UTF-8"},
      {R"({"a": 1e999})", "a number is too large"},
  };
  const std::string good = R"({"messages": [{"role": "user", "content": "x"}]})";
  for (const auto& [line, message] : chats) {
    SCOPED_TRACE(line);
    const auto result = read("f.jsonl", good + "\n" + line + "\n" + good, DataFormat::chat);
    ASSERT_EQ(result.problems.size(), 1u);
    EXPECT_THAT(result.problems[0], HasSubstr("f.jsonl:2: "));
    EXPECT_THAT(result.problems[0], HasSubstr(message));
    EXPECT_EQ(result.examples.size(), 2u) << "one bad line does not hide the next mistake";
  }
  const std::pair<const char*, const char*> others[] = {
      {R"({"prompt": "x"})", R"(the record has no "completion")"},
      {R"({"prompt": "x", "completion": []})", "must both be texts or both be lists"},
      {R"({"prompt": 1, "completion": "x"})", R"("prompt" is a JSON number)"},
  };
  for (const auto& [line, message] : others) {
    SCOPED_TRACE(line);
    EXPECT_THAT(read("f.jsonl", line, DataFormat::prompt_completion).problems, ElementsAre(HasSubstr(message)));
  }
  EXPECT_THAT(
      read("f.jsonl", R"({"instruction": "i", "output": "o", "history": [["q"]]})", DataFormat::alpaca).problems,
      ElementsAre(HasSubstr("\"history\" must be a list of [question, answer]")));
  EXPECT_THAT(read("f.jsonl", R"({"instruction": "i", "output": "o", "history": "q"})", DataFormat::alpaca).problems,
              ElementsAre(HasSubstr("\"history\" must be a list of [question, answer]")));
}

TEST_F(ReadSource, NamesTheLineOfACorpus) {
  const std::pair<const char*, const char*> cases[] = {
      {"conversations:\n- - a\n  - b\n- just text\n", "f.yml:4: a conversation is a list of turns"},
      {"conversations:\n- - a\n  - Note: this has a colon\n",
       "f.yml:3: a turn is text, but this is a section; put it in quotes"},
      {"conversations:\n- - a\n  -\n", "a turn is text, but this is empty; put it in quotes"},
      {"conversations:\n- []\n", "f.yml:2: the conversation has no turns"},
      {"conversations: 3\n", "the file has no list `conversations`"},
      {"categories: []\n", "the file has no list `conversations`"},
      {"- a\n", "the file has no list `conversations`"},
      {"conversations: []\n", "f.yml: the file has no example"},
  };
  for (const auto& [content, message] : cases) {
    SCOPED_TRACE(content);
    EXPECT_THAT(read("f.yml", content).problems, ElementsAre(HasSubstr(message)));
  }
}

TEST_F(ReadSource, StopsAfterTwentyProblems) {
  std::string content;
  for (int i = 0; i < 100; ++i) content += "{\n";

  const auto result = read("f.jsonl", content, DataFormat::chat);

  ASSERT_EQ(result.problems.size(), 21u);
  EXPECT_THAT(result.problems[19], HasSubstr("f.jsonl:20: "));
  EXPECT_THAT(result.problems[20], HasSubstr("after 20 problems the rest of the file was not read"));
}

TEST_F(ReadSource, AJsonListIsReadLikeLines) {
  const std::string one = R"({"messages": [{"role": "user", "content": "[\"]{ a"}]})";
  for (const DataFormat format : {DataFormat::automatic, DataFormat::chat})
    for (const char* const name : {"l.json", "l.jsonl"}) {
      const auto result =
          read(name, "\n[\n  " + one + ",\n  {\n \"messages\": 3},\n{\"a\": }, 4 ,\n" + one + "\n]\n", format);
      ASSERT_EQ(result.examples.size(), 2u);
      EXPECT_EQ(result.examples[0].line, 3);
      EXPECT_EQ(result.examples[1].line, 7);
      EXPECT_EQ(result.examples[1].messages[0]["content"], "[\"]{ a");
      EXPECT_THAT(result.problems,
                  ElementsAre(HasSubstr(":4: \"messages\" is a JSON number"), HasSubstr(":6: not JSON at column 7"),
                              HasSubstr(":6: the line is a JSON number")));
    }
  const std::pair<const char*, const char*> broken[] = {
      {"[{\"text\": \"a\"}, {\"text\": ", "f.json:1: the file is a JSON list, and this record of it does not end"},
      {"[{\"text\": \"a\"}\n", "f.json:2: the file is a JSON list that does not end"},
      {"[{\"text\": \"a\"}\n{}]", "f.json:2: the file is a JSON list; a comma or its end is missing here"},
      {"[{\"text\": \"a\"},\n]", "f.json:2: the file is a JSON list; a record is missing here"},
      {"[{\"text\": \"a\"}]\n{}", "f.json:2: there is more behind the end of the JSON list"},
      {"[]", "f.json: the file has no example"},
  };
  for (const auto& [content, message] : broken) {
    SCOPED_TRACE(content);
    EXPECT_THAT(read("f.json", content, DataFormat::text).problems, ElementsAre(HasSubstr(message)));
  }
}

TEST_F(ReadSource, TheFormatIsThatOfTheFirstRecordThatShowsOneAndAllMistakesAreTold) {
  const std::string good = R"({"text": "a"})";
  const std::string content = "{\n" + std::string(R"({"txet": "b"})") + "\n" + good + "\n}\n" + good;

  const auto guessed = read("f.jsonl", content), named = read("f.jsonl", content, DataFormat::text);

  EXPECT_EQ(guessed.problems, named.problems);
  EXPECT_EQ(guessed.problems.size(), 3u);
  EXPECT_EQ(guessed.examples.size(), 2u);
  EXPECT_EQ(guessed.reason, "the record in line 3 has \"text\"");
  EXPECT_THAT(open_error("f.jsonl", "{\n{\"a\": 1}\n[\n"),
              ::testing::AllOf(HasSubstr("f.jsonl:1: not JSON"), HasSubstr("f.jsonl:2: the record has none of"),
                               HasSubstr("f.jsonl:3: not JSON"), HasSubstr("(3 problems, nothing started)")));
}

/// A remedy that is a command does what it promises, whatever the file is called, and leaves its input alone.
TEST_F(ReadSource, TheRemedyForUtf16CanBeRun) {
  for (const char* const name : {"a.jsonl", "a b'c $(touch pwned) \"d\".jsonl", "-x.txt"})
    for (const bool has_mark : {true, false}) {
      SCOPED_TRACE(name);
      std::string wide = has_mark ? std::string("\xff\xfe", 2) : std::string();
      for (const char c : std::string(R"({"text": "abc"})")) wide += std::string({c, '\0'});
      const fs::path file = folder_ / name;
      write_durably(file, wide);
      std::string command;
      try {
        open_source({file.string(), DataFormat::text});
        FAIL() << "accepted";
      } catch (const Error& error) {
        EXPECT_THAT(error.message(), HasSubstr("is UTF-16, and must be UTF-8"));
        command = error.remedy();
      }

      ASSERT_EQ(std::system(cat("cd ", folder_.path().string(), " && ", command).c_str()), 0) << command;

      EXPECT_EQ(read_file(file), wide);
      const fs::path copy = folder_ / cat(file.stem().string(), "-utf8", file.extension().string());
      EXPECT_EQ(read_file(copy), R"({"text": "abc"})");
      EXPECT_FALSE(fs::exists(folder_ / "pwned"));
    }
}

TEST_F(ReadSource, TellsUtf32FromUtf16) {
  const auto wide = [](bool little, std::string mark) {
    for (const char c : std::string(R"({"text": "abc"})"))
      mark += little ? std::string({c, '\0', '\0', '\0'}) : std::string({'\0', '\0', '\0', c});
    return mark;
  };
  const std::pair<std::string, const char*> cases[] = {
      {wide(true, std::string("\xff\xfe\0\0", 4)), "iconv -f UTF-32 "},
      {wide(false, std::string("\0\0\xfe\xff", 4)), "iconv -f UTF-32 "},
      {wide(true, ""), "iconv -f UTF-32LE "},
      {wide(false, ""), "iconv -f UTF-32BE "}};
  for (const auto& [content, command] : cases) {
    write_durably(folder_ / "w.jsonl", content);
    try {
      open_source({(folder_ / "w.jsonl").string(), DataFormat::text});
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), HasSubstr("is UTF-32, and must be UTF-8"));
      EXPECT_THAT(error.remedy(), HasSubstr(command));
      EXPECT_EQ(std::system(error.remedy().c_str()), 0);
      EXPECT_EQ(read_file(folder_ / "w-utf8.jsonl"), R"({"text": "abc"})");
    }
  }
}

TEST_F(ReadSource, SaysWhyAFileCannotBeUsedAtAll) {
  EXPECT_THAT(open_error("e.jsonl", ""), HasSubstr("e.jsonl is empty"));
  EXPECT_THAT(open_error("b.jsonl", "\n \n"), HasSubstr("b.jsonl has no record"));
  EXPECT_THAT(open_error("s.jsonl", R"({"dialogue": [], "x": 1})"),
              HasSubstr(R"(s.jsonl:1: the record has none of "messages")"));
  EXPECT_THAT(open_error("s.jsonl", R"({"dialogue": [], "x": 1})"), HasSubstr(R"(its keys: "dialogue", "x")"));
  EXPECT_THAT(open_error("j.jsonl", "\nhello\n"), HasSubstr("j.jsonl:2: not JSON at column 1"));
  EXPECT_THAT(open_error("u.jsonl", "\xff{}"), HasSubstr("u.jsonl:1: the line is not UTF-8"));
  try {
    open_source({"/no/such/file.jsonl", DataFormat::automatic});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "/no/such/file.jsonl does not exist");
    EXPECT_THAT(error.remedy(), HasSubstr("data.train"));
  }
}

}  // namespace
}  // namespace pst::data
