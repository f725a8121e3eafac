// SPDX-License-Identifier: Apache-2.0
#include "monitor/message.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <thread>

#include "cluster/program_path.hpp"
#include "core/strings.hpp"

namespace pst::monitor {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Message message(Turn::Kind kind = Turn::Kind::fired) {
  return {.turn = {.kind = kind,
                   .rule = recipe::completed_rule({.name = "gpu-hot", .above = 80}),
                   .value = 91.25,
                   .labels = {{"node", "n2"}, {"gpu", "0"}},
                   .series = 2},
          .sender = {"x-7f3a", "/runs/x-7f3a", "n1"},
          .time = "2027-01-15T08:00:00.000Z"};
}

TEST(Message, IsOneLineForPeople) {
  EXPECT_EQ(message().line(),
            "[warning] gpu-hot: gpu_temperature_celsius is 91.25, above 80, at node n2, gpu 0, one of 2");
  EXPECT_EQ(message(Turn::Kind::resolved).line(), "[warning] gpu-hot is over");
  EXPECT_EQ(message().subject().find("x-7f3a "), 0u);
}

TEST(Message, SaysWhatABuiltInAlertMeans) {
  Message it = message();
  it.turn = {.rule = recipe::completed_rule({.name = "loss-anomaly"}),
             .value = std::numeric_limits<double>::infinity()};

  EXPECT_EQ(it.line(),
            "[warning] loss-anomaly: the loss is no number, or more than twice the median of the steps before "
            "(loss_ratio is infinite, above 2)");
  EXPECT_NO_THROW(nlohmann::json::parse(it.json()));
}

TEST(Message, OfTheEndSaysHowTheRunHasEnded) {
  Message it = message();
  it.turn = {.rule = recipe::completed_rule({.name = "finished"}), .value = 1};
  it.run_state = "failed: the disk is full";

  EXPECT_EQ(it.line(), "[info] finished: the run is failed: the disk is full");
}

TEST(Message, IsJsonForWebhooks) {
  const auto body = nlohmann::json::parse(message().json());

  EXPECT_EQ(body["text"], message().subject());
  EXPECT_EQ(body["state"], "firing");
  EXPECT_EQ(body["value"], 91.25);
  EXPECT_EQ(body["labels"]["node"], "n2");
}

TEST(Message, ACommandFindsItInItsEnvironmentAndNoShellReadsIt) {
  const auto command = as_command(message(), {"page", "$(reboot)", "; reboot"});

  EXPECT_THAT(command.argv, ElementsAre("page", "$(reboot)", "; reboot"));
  EXPECT_EQ(command.variables.at("PST_ALERT"), "gpu-hot");
  EXPECT_EQ(command.variables.at("PST_ALERT_STATE"), "firing");
  EXPECT_EQ(command.variables.at("PST_ALERT_VALUE"), "91.25");
  EXPECT_EQ(command.variables.at("PST_ALERT_FOLDER"), "/runs/x-7f3a");
}

TEST(Message, NoSecretOfAWebhookIsInTheListOfProcesses) {
  const auto command = as_webhook(message(), {"https://hooks.example.org/T0/s3cret", "t0ken"}, 10);

  EXPECT_THAT(join(command.argv, " "), Not(HasSubstr("s3cret")));
  EXPECT_THAT(join(command.argv, " "), Not(HasSubstr("t0ken")));
  EXPECT_THAT(command.input, HasSubstr("url = \"https://hooks.example.org/T0/s3cret\"\n"));
  EXPECT_THAT(command.input, HasSubstr("Authorization: Bearer t0ken"));
  EXPECT_TRUE(command.variables.empty());
}

/// Answers one request with a redirect.
class Redirecting {
 public:
  Redirecting() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ::bind(socket_, reinterpret_cast<sockaddr*>(&at), size);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size);
    ::listen(socket_, 1);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] {
      const int peer = ::accept(socket_, nullptr, nullptr);
      const std::string answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n";
      char buffer[4096];
      if (::read(peer, buffer, sizeof buffer) > 0 && ::write(peer, answer.data(), answer.size()) > 0) ::close(peer);
    });
  }
  ~Redirecting() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  std::string url() const { return cat("http://127.0.0.1:", port_, "/hook"); }

 private:
  int socket_, port_ = 0;
  std::thread thread_;
};

TEST(Message, ARedirectIsNoDelivery) {
  if (!cluster::find_program("curl")) GTEST_SKIP() << "there is no curl here";
  const Redirecting server;

  const auto answer = cluster::capture(as_webhook(message(), {server.url(), "t0ken"}, 5));

  EXPECT_NE(answer.status, 0);
  EXPECT_THAT(answer.words(), HasSubstr("redirect"));
}

TEST(Message, NothingQuotedForCurlCanEndItsLine) {
  EXPECT_EQ(curl_quoted("a\"b\\c\nurl = x"), "\"a\\\"b\\\\c\\nurl = x\"");
  EXPECT_EQ(curl_quoted(std::string("a\0b\rc", 5)), "\"abc\"");
}

TEST(Message, AMailsCommandLineSaysWhichRunAndItsTextWhatIsWrong) {
  const auto command = as_mail(message(), "/usr/bin/mail", "me@example.org");

  EXPECT_THAT(command.argv,
              ElementsAre("/usr/bin/mail", "-s",
                          message().sender.run + ": " + recipe::name_of(message().turn.rule.severity) + " alert",
                          "me@example.org"));
  EXPECT_EQ(find_control(command.argv[2]), std::nullopt);
  EXPECT_TRUE(command.input.starts_with(message().line() + "\n")) << command.input;
  EXPECT_THAT(command.input, HasSubstr("/runs/x-7f3a"));
}

}  // namespace
}  // namespace pst::monitor
