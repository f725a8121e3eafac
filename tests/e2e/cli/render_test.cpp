// SPDX-License-Identifier: Apache-2.0
// `model render`: what training will learn of a record, before anything is trained.
#include <gmock/gmock.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "e2e/cli/workspace.hpp"

namespace pst::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const char* const kRecords =
    "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\", \"content\": \"yes\"}]}\n"
    "{\"messages\": [{\"role\": \"user\", \"content\": \"r\"}, {\"role\": \"assistant\", \"content\": \"no\"}]}\n";
const char* const kTemplate =
    "{% for m in messages %}<{{ m.role }}>\x1b[2J{% if m.role == 'assistant' %}{% generation %}{{ m.content }}"
    "{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}";

TEST(Render, MarksWhatIsLearned) {
  const Workspace here;
  here.write("chats.jsonl", kRecords);
  here.write("own.jinja", kTemplate);

  const auto answer = here.call({"model", "render", "model", "chats.jsonl", "--chat-template", "own.jinja"});

  EXPECT_EQ(answer.status, 0) << answer.err;
  EXPECT_THAT(answer.out, AllOf(HasSubstr("chats.jsonl:1: "), HasSubstr("<user>?[2Jq<assistant>?[2J\u27e6yes\u27e7\n"),
                                HasSubstr("chats.jsonl:2: "), HasSubstr("\u27e6no\u27e7\n"), Not(HasSubstr("\x1b"))));
}

TEST(Render, TakesTheFirstRecordsAndLearnsAsTold) {
  const Workspace here;
  here.write("chats.jsonl", kRecords);
  here.write("own.jinja", kTemplate);

  const auto answer = here.call({"model", "render", "model", "chats.jsonl", "--chat-template", "own.jinja", "--records",
                                 "1", "--train-on", "all"});

  EXPECT_EQ(answer.status, 0) << answer.err;
  EXPECT_THAT(answer.out, AllOf(HasSubstr("yes\u27e7\n"), Not(HasSubstr("chats.jsonl:2"))));
  EXPECT_THAT(answer.out, Not(HasSubstr("\u27e6yes\u27e7"))) << "the user's text is learned as well";
}

TEST(Render, AMistakeIsSaidWithItsLineAndTheRestIsShown) {
  const Workspace here;
  here.write("chats.jsonl", std::string("{\"messages\": []}\n") + kRecords);
  here.write("own.jinja", kTemplate);

  const auto answer = here.call({"model", "render", "model", "chats.jsonl", "--chat-template", "own.jinja"});

  EXPECT_EQ(answer.status, 65);
  EXPECT_THAT(answer.out, HasSubstr("\u27e6yes\u27e7"));
  EXPECT_THAT(answer.err, HasSubstr("chats.jsonl:1: \"messages\" is an empty list"));
}

/// What the command writes to a terminal of its own.
std::string on_a_terminal(const fs::path& folder) {
  int master = -1;
  const pid_t child = ::forkpty(&master, nullptr, nullptr, nullptr);
  if (child == 0) {
    if (::chdir(folder.c_str()) != 0) ::_exit(99);
    ::setenv("TERM", "xterm", 1);
    ::unsetenv("NO_COLOR");
    ::execl(PST_PROGRAM, "peft-studio", "model", "render", "model", "chats.jsonl", "--chat-template", "own.jinja",
            nullptr);
    ::_exit(98);
  }
  std::string written;
  std::array<char, 4096> part{};
  for (ssize_t size = 0; (size = ::read(master, part.data(), part.size())) > 0;)
    written.append(part.data(), static_cast<std::size_t>(size));
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(master);
  EXPECT_EQ(status, 0) << written;
  return written;
}

TEST(Render, OnATerminalColoursAreUsed) {
  const Workspace here;
  here.write("chats.jsonl", kRecords);
  here.write("own.jinja", kTemplate);

  const std::string written = on_a_terminal(here / ".");

  EXPECT_THAT(written,
              AllOf(HasSubstr("\x1b[32"), HasSubstr("\x1b[2m"), Not(HasSubstr("\x1b[2J")), Not(HasSubstr("\u27e6"))));
}

}  // namespace
}  // namespace pst::e2e
