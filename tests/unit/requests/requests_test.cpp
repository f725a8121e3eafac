// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "core/error.hpp"
#include "requests/command_line.hpp"
#include "requests/generate_request.hpp"
#include "requests/merge_request.hpp"
#include "requests/probe_request.hpp"
#include "requests/train_request.hpp"
#include "support/environment.hpp"

namespace pst::requests {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// A program with the one command `ask`, of which `words` are typed.
template <class Request>
std::optional<int> read(Request& request, std::vector<std::string> words, const std::string& name = "program") {
  CLI::App program("", name);
  program.require_subcommand(1);
  add_options(*program.add_subcommand("ask", ""), request);
  words.insert(words.begin(), {name, "ask"});
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  return parse_command_line(program, static_cast<int>(argv.size()), argv.data());
}

template <class Request>
Request again(const Request& request) {
  Request other;
  EXPECT_EQ(read(other, words_of(request)), std::nullopt);
  return other;
}

template <class Request>
Error complaint(const std::vector<std::string>& words, const std::string& program = "program") {
  try {
    Request request;
    read(request, words, program);
  } catch (const Error& error) {
    return error;
  }
  return {Fault::bug, "nothing was thrown"};
}

void expect_equal(const GenerateRequest& a, const GenerateRequest& b) {
  EXPECT_EQ(a.run, b.run);
  EXPECT_EQ(a.model, b.model);
  EXPECT_EQ(a.adapter, b.adapter);
  EXPECT_EQ(a.prompt, b.prompt);
  EXPECT_EQ(a.system, b.system);
  EXPECT_EQ(a.raw, b.raw);
  EXPECT_EQ(a.max_new_tokens, b.max_new_tokens);
  EXPECT_EQ(a.temperature, b.temperature);
  EXPECT_EQ(a.top_p, b.top_p);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.device, b.device);
  EXPECT_EQ(a.time_limit_s, b.time_limit_s);
}

TEST(AGenerateRequest, IsReadBackAsItWas) {
  const GenerateRequest all{.model = "models/a b",
                            .adapter = "runs/x/adapter",
                            .prompt = "Who?",
                            .system = "Be \"brief\"",
                            .raw = true,
                            .max_new_tokens = 1,
                            .temperature = 0.1,
                            .top_p = 1.0 / 3,
                            .seed = ~std::uint64_t{0},
                            .device = "cuda",
                            .time_limit_s = 0.5};
  expect_equal(again(all), all);
  const GenerateRequest few{.run = "runs/demo-1234", .prompt = "x"};
  expect_equal(again(few), few);
}

TEST(AGenerateRequest, CanBeToldWithoutItsTexts) {
  const auto words = words_of({.run = "r", .prompt = "secret", .system = "hidden"}, Texts::left_out);
  EXPECT_THAT(words, testing::Not(testing::Contains(testing::AnyOf("secret", "hidden", "--prompt", "--system"))));
}

TEST(AGenerateRequest, TakesTheTextsThatAreLeftOutFromTheEnvironment) {
  const GenerateRequest all{.run = "r", .prompt = "-two\nlines", .system = "a=b"};
  const fixture::Variable prompt(kPromptVariable, all.prompt), system(kSystemVariable, *all.system);
  GenerateRequest other;

  EXPECT_EQ(read(other, words_of(all, Texts::left_out)), std::nullopt);

  expect_equal(other, all);
}

TEST(AGenerateRequest, KeepsAnyPrompt) {
  for (const char* prompt :
       {"", "-5 + 3", "--help", "-h", "a=b", "two\nlines", "'\"", "[1,2]", "{}", "--", "%%", "ü"}) {
    SCOPED_TRACE(prompt);
    EXPECT_EQ(again(GenerateRequest{.run = "r", .prompt = prompt}).prompt, prompt);
  }
}

TEST(AGenerateRequest, NeedsSomebodyToAnswer) {
  EXPECT_THROW(check({.prompt = "x"}), Error);
  EXPECT_NO_THROW(check({.model = "m", .prompt = "x"}));
  EXPECT_NO_THROW(check({.run = "r", .prompt = "x"}));
}

TEST(AMergeRequest, IsReadBackAsItWas) {
  const MergeRequest given{.adapter = "-an adapter",
                           .model = "a model",
                           .to = "-there",
                           .onto = "original",
                           .check_tokens = 3,
                           .time_limit_s = 9};
  const auto read = again(given);
  EXPECT_EQ(read.adapter, given.adapter);
  EXPECT_EQ(read.model, given.model);
  EXPECT_EQ(read.run, std::nullopt);
  EXPECT_EQ(read.to, given.to);
  EXPECT_EQ(read.onto, given.onto);
  EXPECT_EQ(read.check_tokens, given.check_tokens);
  EXPECT_EQ(read.time_limit_s, given.time_limit_s);
  EXPECT_EQ(again(MergeRequest{.run = "a run", .to = "x"}).run, "a run");
}

TEST(AProbeRequest, IsReadBackAsItWas) {
  const ProbeRequest all = again(ProbeRequest{.threads = 3, .output = "-o.json", .folder = "/scratch/me"});
  EXPECT_EQ(all.threads, 3);
  EXPECT_EQ(all.output, "-o.json");
  EXPECT_EQ(all.folder, "/scratch/me");
  EXPECT_EQ(again(ProbeRequest{}).threads, std::nullopt);
}

TEST(ATrainRequest, IsReadBackAsItWas) {
  const TrainRequest all = again(TrainRequest{.run = "/runs/50% x", .attempt = 12, .cores_per_rank = 4});
  EXPECT_EQ(all.run, "/runs/50% x");
  EXPECT_EQ(all.attempt, 12);
  EXPECT_EQ(all.cores_per_rank, 4);
}

TEST(AMistake, HasTheSameWordsAndExitInBothPrograms) {
  const std::vector<std::vector<std::string>> mistakes = {
      {"--run", "r"},                                               // no prompt
      {"--run", "r", "--model", "m", "--prompt", "x"},              // both
      {"--run", "r", "--adapter", "a", "--prompt", "x"},            // an adapter without a model
      {"--run", "r", "--prompt", "x", "--max-new-tokens", "0"},     // none
      {"--run", "r", "--prompt", "x", "--max-new-tokens", "many"},  // no number
      {"--run", "r", "--prompt", "x", "--temperature", "-1"},       //
      {"--run", "r", "--prompt", "x", "--top-p", "1.5"},            //
      {"--run", "r", "--prompt", "x", "--seed", "-1"},              //
      {"--run", "r", "--prompt", "x", "--sed", "1"},                // no such option
  };
  for (const auto& words : mistakes) {
    SCOPED_TRACE(testing::PrintToString(words));
    const Error one = complaint<GenerateRequest>(words, "peft-studio"),
                other = complaint<GenerateRequest>(words, "peft-studio-worker");
    EXPECT_EQ(one.message(), other.message());
    EXPECT_EQ(exit_status(one.fault()), 64);
    EXPECT_EQ(exit_status(other.fault()), 64);
    EXPECT_EQ(one.remedy(), "peft-studio ask --help");
  }
}

TEST(AMistypedCommand, IsToldTheNearest) {
  CLI::App program("", "program");
  program.require_subcommand(1);
  program.add_subcommand("generate", "");
  program.add_subcommand("generator", "")->group("");  // hidden: not to be proposed
  std::vector<std::string> words = {"program", "generat"};
  std::vector<char*> argv = {words[0].data(), words[1].data()};
  try {
    parse_command_line(program, 2, argv.data());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("no command of program"), HasSubstr("did you mean 'program generate'?")));
  }
}

}  // namespace
}  // namespace pst::requests
