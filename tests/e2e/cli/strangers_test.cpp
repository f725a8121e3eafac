// SPDX-License-Identifier: Apache-2.0
// A model's folder comes from the internet, and a shared folder of runs is written by others: what they put there
// neither stops a command nor steers a terminal.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "core/clock.hpp"
#include "core/strings.hpp"
#include "e2e/cli/workspace.hpp"

namespace pst::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr double kAtOnce_s = 20;  ///< on a busy machine; who waits for a pipe's other end waits for ever

void put_a_pipe(const fs::path& at) {
  fs::remove_all(at);
  fs::create_directories(at.parent_path());
  ASSERT_EQ(::mkfifo(at.c_str(), 0600), 0) << at;
}

cluster::Captured at_once(const Workspace& here, const std::vector<std::string>& arguments) {
  const double began = monotonic_seconds();
  auto answer = here.call(arguments);
  EXPECT_LT(monotonic_seconds() - began, kAtOnce_s) << join(arguments, " ");
  return answer;
}

void expect_no_control(const std::string& printed) {
  for (const std::string& line : split(printed, '\n')) {
    EXPECT_EQ(find_control(line), std::nullopt) << quoted(line, 2000);
    EXPECT_TRUE(is_utf8(line)) << quoted(line, 2000);
    EXPECT_THAT(line, Not(HasSubstr("\xc2\x9b")));
  }
}

TEST(Strangers, ANamedPipeInAModelsFolderIsAnError) {
  for (const char* file : {"model/config.json", "model/tokenizer.json", "model/tokenizer_config.json",
                           "model/chat_template.jinja", "model/model.safetensors", "data.jsonl", "recipe.yaml"}) {
    SCOPED_TRACE(file);
    const Workspace here;
    put_a_pipe(here / file);
    const auto answer = at_once(here, {"validate", "recipe.yaml"});
    EXPECT_THAT(answer.status, testing::AnyOf(64, 65)) << answer.err;
    EXPECT_THAT(answer.err, HasSubstr("is not a regular file"));
  }
}

TEST(Strangers, NamedPipesInARunStopNoCommand) {
  for (const char* file : {"events.jsonl", "completed.json", "slurm-1.log", "attempts/0001/srun.log",
                           "attempts/0001/attempt.json", "attempts/0001/nodes/n1.jsonl"}) {
    SCOPED_TRACE(file);
    const Workspace here;
    here.add_run("mine", "1111");
    put_a_pipe(here.add_run("theirs", "2222") / file);
    const auto status = at_once(here, {"status"});
    EXPECT_EQ(status.status, 0) << status.err;
    EXPECT_THAT(status.out, HasSubstr("mine-1111"));
    at_once(here, {"logs", "2222"});
    at_once(here, {"report", "2222", "-o", "out"});
    at_once(here, {"cancel", "2222"});
  }
}

TEST(Strangers, ASweepThatCannotBeReadIsLeftOutOfTheList) {
  const Workspace here;
  here.add_run("mine", "1111");
  fs::create_directories(here / "runs/theirs-2222");
  here.write("runs/theirs-2222/sweep.json", "no JSON");
  const auto status = at_once(here, {"status"});
  EXPECT_EQ(status.status, 0);
  EXPECT_THAT(status.out, HasSubstr("mine-1111"));
  EXPECT_THAT(status.err, HasSubstr("warning: sweep theirs-2222 is left out"));
}

TEST(Strangers, NamesOfFoldersNeitherSteerTheTerminalNorForgeALine) {
  const Workspace here;
  const fs::path run = here.add_run("mine", "1111");
  fs::rename(run, run.parent_path() / "evil\x1b]0;owned\x07\xc2\x9b\x32J\nfake-9999   completed-1111");
  const auto status = at_once(here, {"status"});
  EXPECT_EQ(status.status, 0) << status.err;
  expect_no_control(status.out);
  EXPECT_THAT(status.out, AllOf(HasSubstr("evil?]0;owned"), Not(HasSubstr("\nfake-9999"))));

  const auto json = at_once(here, {"status", "--json"});
  expect_no_control(json.out);
  EXPECT_THAT(json.out, HasSubstr("\\u009b2J\\nfake-9999")) << "the name, for a program";
}

TEST(Strangers, TextsOfARunDoNotSteerTheTerminal) {
  const Workspace here;
  const fs::path run = here.add_run("mine", "1111");
  here.write("runs/mine-1111/events.jsonl",
             "{\"event\":\"started\",\"attempt\":1}\n{\"event\":\"failed\",\"exit\":65,\"attempt\":1,"
             "\"reason\":\"\\u001b]0;owned\\u0007\\u009b2J\",\"remedy\":\"\\u001b[31mred\"}\n");
  fs::create_directories(run / "attempts/0001");
  here.write("runs/mine-1111/attempts/0001/rank-0000.log", "a\x1b[2Jb\xc2\x9b\x32Jc\x9b\x32J\n");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"status"}, {"follow", "1111"}, {"logs", "1111"}, {"report", "1111", "-o", "out"}}) {
    const auto answer = at_once(here, words);
    expect_no_control(answer.out);
    expect_no_control(answer.err);
  }
}

TEST(Strangers, ATemplatesMessageDoesNotSteerTheTerminal) {
  const Workspace here;
  here.write("model/chat_template.jinja", "{{ raise_exception('\x1b]0;owned\x07\nerror[io]: forged') }}");
  const auto answer = at_once(here, {"validate", "recipe.yaml"});
  EXPECT_EQ(answer.status, 65) << answer.err;
  expect_no_control(answer.err);
  EXPECT_THAT(answer.err, AllOf(HasSubstr("]0;owned"), Not(HasSubstr("\nerror[io]"))));
}

TEST(Strangers, ACurrencyThatIsMarkupIsRefused) {
  const Workspace here;
  here.add_run("mine", "1111");
  here.write("runs/mine-1111/site.yaml",
             "name: x\ncost: { node_hour: 1, currency: \"<img src=x onerror=alert(1)>\" }\n");
  const auto answer = at_once(here, {"report", "1111", "-o", "out"});
  EXPECT_EQ(answer.status, 64) << "a currency is one word: such a profile is refused";
  EXPECT_THAT(answer.err, HasSubstr("cost.currency"));
  EXPECT_THAT(here.shell("cat out/report.html 2>&1").out, HasSubstr("No such file"));
}

TEST(Strangers, AClosedStandardErrorTakesNoMessageIntoAFile) {
  const Workspace here;
  const auto answer =
      here.shell("\"$PST\" data prepare recipe.yaml 2>&-; echo $?; \"$PST\" validate none.yaml 2>&-; echo $?");
  EXPECT_THAT(answer.out, AllOf(HasSubstr("\n0\n"), HasSubstr("64\n")));
  EXPECT_THAT(here.shell("grep -rl 'error\\[' . || echo clean").out, HasSubstr("clean"));
}

}  // namespace
}  // namespace pst::e2e
