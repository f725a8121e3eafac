// SPDX-License-Identifier: Apache-2.0
#include "app/infer.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "core/file.hpp"
#include "data/json_record.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "unit/app/tiny_run.hpp"

namespace pst::app {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Infer : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const { std::ofstream(at(name)) << text; }
  std::string at(const std::string& name) const { return (dir_.path() / name).string(); }
  std::string read(const std::string& name) const { return read_file(at(name)); }
  requests::InferRequest request(const std::string& output = "out.jsonl") const {
    requests::InferRequest asked;
    asked.model = run_.model().string();
    asked.input = at("in.jsonl");
    asked.output = at(output);
    asked.max_new_tokens = 6;
    return asked;
  }
  /// Lines of an output, parsed.
  std::vector<data::Json> rows(const std::string& name = "out.jsonl") const {
    std::vector<data::Json> all;
    std::istringstream lines(read(name));
    for (std::string line; std::getline(lines, line);) all.push_back(data::parse_record(line));
    return all;
  }
  bool run(const requests::InferRequest& asked) const {
    testing::internal::CaptureStderr();
    const bool good = infer(asked);
    told_ = testing::internal::GetCapturedStderr();
    return good;
  }

  fixture::TinyRun run_;
  fixture::TemporaryDirectory dir_;
  mutable std::string told_;
};

const char* const kThree =
    R"({"id": "long", "prompt": "the other", "max_tokens": 9, "temperature": 1})"
    "\n"
    R"({"messages": [{"role": "user", "content": "hello"}]})"
    "\n"
    R"({"custom_id": "b", "method": "POST", "url": "/v1/completions", "body": {"prompt": "so", "n": 2, "temperature": 1, "logprobs": 2, "max_tokens": 3}})"
    "\n";

TEST_F(Infer, AnswersEveryRowInTheOrderOfTheInput) {
  write("in.jsonl", kThree);
  ASSERT_TRUE(run(request()));

  const auto out = rows();
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[0]["id"], "long");
  EXPECT_EQ(out[0]["response"]["body"]["usage"]["completion_tokens"].get<int>(), 9);
  EXPECT_EQ(out[1]["id"], "2") << "the number of its line";
  EXPECT_EQ(out[1]["response"]["body"]["choices"][0]["message"]["role"], "assistant");
  const auto& choices = out[2]["response"]["body"]["choices"];
  ASSERT_EQ(choices.size(), 2u);
  EXPECT_EQ(choices[1]["index"].get<int>(), 1);
  EXPECT_EQ(choices[0]["logprobs"]["content"].size(), 3u);
  EXPECT_EQ(choices[0]["logprobs"]["content"][0]["top_logprobs"].size(), 2u);
  EXPECT_NE(choices[0]["text"], choices[1]["text"]) << "each draws on its own";
}

TEST_F(Infer, TheAnswersDoNotDependOnHowManyAreComputedTogether) {
  std::string lines;
  for (int i = 0; i < 12; ++i)
    lines += R"({"prompt": "row )" + std::to_string(i * 37) + R"(", "temperature": 1, "max_tokens": )" +
             std::to_string(2 + i) + "}\n";
  write("in.jsonl", lines);
  requests::InferRequest alone = request("alone.jsonl");
  alone.together = 1;
  ASSERT_TRUE(run(request()) && run(alone));
  EXPECT_EQ(read("out.jsonl"), read("alone.jsonl"));
}

TEST_F(Infer, GoesOnWhereAnEarlierCallEnded) {
  write("in.jsonl", kThree);
  ASSERT_TRUE(run(request()));
  const std::string whole = read("out.jsonl");

  const std::size_t first = whole.find('\n') + 1;
  write("torn.jsonl", whole.substr(0, first + 20));  // a kill in the middle of a line
  ASSERT_TRUE(run(request("torn.jsonl")));
  EXPECT_EQ(read("torn.jsonl"), whole);
  EXPECT_THAT(told_, HasSubstr("3 rows, 1 answered before"));

  ASSERT_TRUE(run(request()));
  EXPECT_THAT(told_, HasSubstr("3 rows, 3 answered before"));
  EXPECT_EQ(read("out.jsonl"), whole);
}

TEST_F(Infer, ARowThatCannotBeAnsweredIsARowWithItsError) {
  write("in.jsonl", R"({"prompt": "a", "max_tokens": 1})"
                    "\n"
                    R"({"prompt": "a", "best_of": 4})"
                    "\n"
                    R"({"prompt": "a", "top_p": 2})"
                    "\n"
                    "{\"prompt\": \n"
                    R"({"prompt": "a", "messages": []})"
                    "\n"
                    R"({"prompt": [99999]})"
                    "\n");
  EXPECT_FALSE(run(request()));

  const auto out = rows();
  ASSERT_EQ(out.size(), 6u);
  EXPECT_TRUE(out[0]["error"].is_null());
  const auto message = [&](std::size_t row) { return out[row]["error"]["message"].get<std::string>(); };
  EXPECT_THAT(message(1), HasSubstr("in.jsonl:2: 'best_of' is not known"));
  EXPECT_THAT(message(2), HasSubstr("'top_p' is 2"));
  EXPECT_THAT(message(3), HasSubstr("in.jsonl:4:"));
  EXPECT_THAT(message(4), HasSubstr("either 'messages' or 'prompt'"));
  EXPECT_THAT(message(5), HasSubstr("token 99999"));
  EXPECT_TRUE(out[5]["response"].is_null());
}

/// JSON is UTF-8; names of files need not be.
TEST_F(Infer, AFileMayHaveAnyName) {
  write("in\xff.jsonl", "{\"prompt\": 1, \"best_of\": 4}\n{\"prompt\": \"a\", \"max_tokens\": 1}\n");
  fs::create_directory_symlink(run_.model(), at("model\xff"));
  requests::InferRequest asked = request();
  asked.input = at("in\xff.jsonl");
  asked.model = at("model\xff");
  EXPECT_FALSE(run(asked));
  EXPECT_THAT(rows().at(0)["error"]["message"].get<std::string>(), HasSubstr("in\xef\xbf\xbd.jsonl:1"));
  EXPECT_EQ(rows().at(1)["response"]["body"]["model"], "model\xef\xbf\xbd");
}

TEST_F(Infer, WhatAnAnswerIsHeldAgainstIsBounded) {
  const data::Json many = {{"prompt", "a"}, {"stop", std::vector<std::string>(65, "x")}};
  const data::Json large = {{"prompt", "a"}, {"stop", std::string(1025, 'x')}};
  write("in.jsonl", many.dump() + "\n" + large.dump() + "\n");
  EXPECT_FALSE(run(request()));
  EXPECT_THAT(rows().at(0)["error"]["message"].get<std::string>(), HasSubstr("'stop' has more than 64 texts"));
  EXPECT_THAT(rows().at(1)["error"]["message"].get<std::string>(),
              HasSubstr("'stop' has a text of more than 1024 bytes"));
}

TEST_F(Infer, ErrorsAreTriedAgainWhereThatIsAsked) {
  write("in.jsonl", R"({"id": "x", "prompt": "a", "top_p": 2})"
                    "\n");
  EXPECT_FALSE(run(request()));
  write("in.jsonl", R"({"id": "x", "prompt": "a", "top_p": 1})"
                    "\n");
  EXPECT_FALSE(run(request()));
  requests::InferRequest again = request();
  again.retry_errors = true;
  EXPECT_TRUE(run(again));
  EXPECT_TRUE(rows().at(0)["error"].is_null());
}

TEST_F(Infer, StopStringsEndAnAnswerWhereverTokensBegin) {
  write("in.jsonl", R"({"id": "whole", "prompt": "the", "max_tokens": 40})"
                    "\n");
  ASSERT_TRUE(run(request()));
  const std::string text = rows()[0]["response"]["body"]["choices"][0]["text"].get<std::string>();
  const auto letter = std::find_if(text.begin() + 1, text.end(), [](char c) { return c >= '!' && c <= '~'; });
  ASSERT_NE(letter, text.end()) << "this model writes no letter: " << text;
  const data::Json cut = {{"id", "cut"}, {"prompt", "the"}, {"max_tokens", 40}, {"stop", std::string(1, *letter)}};
  write("in.jsonl", cut.dump() + "\n");
  ASSERT_TRUE(run(request("cut.jsonl")));
  const data::Json choice = rows("cut.jsonl")[0]["response"]["body"]["choices"][0];
  EXPECT_EQ(choice["text"], text.substr(0, text.find(*letter)));
  EXPECT_EQ(choice["finish_reason"], "stop");
}

TEST_F(Infer, RefusesFilesThatItWouldSpoil) {
  write("in.jsonl", kThree);
  const auto refused = [&](Fault fault, const requests::InferRequest& asked) {
    return fixture::error_of(fault, [&] { infer(asked); });
  };
  write("other.jsonl", "{\"text\": \"not ours\"}\n");
  EXPECT_THAT(refused(Fault::usage, request("other.jsonl")), HasSubstr("other.jsonl:1 is no line that `infer` wrote"));
  EXPECT_EQ(read("other.jsonl"), "{\"text\": \"not ours\"}\n");
  for (const char* const notes : {"a note without a line end", "{\"id\": 1}", "7"}) {
    write("notes.txt", notes);
    EXPECT_THAT(refused(Fault::usage, request("notes.txt")), HasSubstr("notes.txt:1 is no line that `infer` wrote"));
    EXPECT_EQ(read("notes.txt"), notes) << "it is no torn line of ours";
  }
  EXPECT_THAT(refused(Fault::usage, request("in.jsonl")), HasSubstr("one file"));
  ASSERT_TRUE(run(request()));
  write("in.jsonl", "{\"id\": \"new\", \"prompt\": \"x\"}\n");
  EXPECT_THAT(refused(Fault::usage, request()), HasSubstr("an answer to row '2'"));
  write("in.jsonl", "{\"id\": 1, \"prompt\": \"x\"}\n{\"id\": \"1\", \"prompt\": \"y\"}\n");
  EXPECT_THAT(refused(Fault::data, request("new.jsonl")), HasSubstr("in.jsonl:2: id '1' is that of line 1 too"));
}

}  // namespace
}  // namespace pst::app
