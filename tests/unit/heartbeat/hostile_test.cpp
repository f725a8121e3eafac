// SPDX-License-Identifier: Apache-2.0
// A port that is open to a network hears more than ranks.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "core/clock.hpp"
#include "core/strings.hpp"
#include "heartbeat/listener.hpp"
#include "heartbeat/sender.hpp"
#include "heartbeat/strangers.hpp"

namespace pst::heartbeat {
namespace {

class Hostile : public testing::Test {
 protected:
  Hostile() { listener.begin(1, 1); }
  Listener listener{Reach::this_host, "here"};

  Socket knock() { return connect_to("127.0.0.1", listener.endpoint().port, 2).value(); }
  static bool is_closed(const Socket& socket, double within_s) {
    for (const double deadline = monotonic_seconds() + within_s; monotonic_seconds() < deadline;) {
      if (!receive(socket)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  /// The listener still does its work, and at once.
  void expect_service(double within_s = 5) {
    const Sender sender({.endpoint = listener.endpoint(), .attempt = 1, .rank = 0, .host = "n1", .beat_s = 0.02});
    const double deadline = monotonic_seconds() + within_s;
    while (!listener.ranks()[0].connected && monotonic_seconds() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_TRUE(listener.ranks()[0].connected);
  }
};

TEST_F(Hostile, WhoeverLacksTheTokenIsShownTheDoor) {
  const std::string right = listener.endpoint().token;
  std::string wrong = right;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  for (const std::string& line : {cat("hello ", wrong, " 1 0 1 n1\n"), cat("hello ", right.substr(1), " 1 0 1 n1\n"),
                                  std::string("beat 1 training\n"), std::string("GET / HTTP/1.1\r\n\r\n"),
                                  std::string("\n"), std::string(100'000, 'x'), std::string(600, '\0')}) {
    SCOPED_TRACE(line.substr(0, 40));
    const Socket socket = knock();
    send_line(socket, line);
    EXPECT_TRUE(is_closed(socket, 3));
  }
  EXPECT_TRUE(listener.ranks()[0].host.empty());
  expect_service();
}

TEST_F(Hostile, ARankThatTalksNonsenseIsShownTheDoor) {
  const Socket socket = knock();
  send_line(socket, to_line(Hello{.token = listener.endpoint().token, .attempt = 1, .rank = 0, .pid = 1, .host = "x"}));
  send_line(socket, "beat nine training\n");
  EXPECT_TRUE(is_closed(socket, 3));
  expect_service();
}

TEST_F(Hostile, ARankBeyondTheAttemptsIsToldToDieAndStoredNowhere) {
  const Socket socket = knock();
  send_line(socket, to_line(Hello{.token = listener.endpoint().token, .attempt = 1, .rank = 9, .pid = 1, .host = "x"}));
  std::string heard;
  for (const double deadline = monotonic_seconds() + 3; heard.empty() && monotonic_seconds() < deadline;)
    heard = receive(socket).value_or("gone");
  EXPECT_EQ(heard, "die\n");
  expect_service();
}

TEST_F(Hostile, StrangersThatSayNothingDoNotBlockARank) {
  std::vector<Socket> strangers;
  for (int i = 0; i < 400; ++i) strangers.push_back(knock());
  expect_service(/*within_s=*/2);
}

TEST_F(Hostile, StrangersLeaveFilesToOpen) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit small = {.rlim_cur = 130, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &small);  // before anybody knocks: a listener does not see its limit fall under it
  const int crowd = ::fork();
  if (crowd == 0) {
    ::setrlimit(RLIMIT_NOFILE, &before);
    std::vector<Socket> strangers;
    for (int i = 0; i < 400; ++i)
      if (auto socket = connect_to("127.0.0.1", listener.endpoint().port, 2)) strangers.push_back(std::move(*socket));
    ::pause();
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));

  expect_service(/*within_s=*/2);
  std::vector<Socket> files;
  for (int i = 0; i < 40; ++i) files.emplace_back(::open("/dev/null", O_RDONLY));
  EXPECT_TRUE(files.back());

  files.clear();
  ::setrlimit(RLIMIT_NOFILE, &before);
  ::kill(crowd, SIGKILL);
  ::waitpid(crowd, nullptr, 0);
}

TEST(Strangers, TheOldestOfTheLargestCrowdGoes) {
  EXPECT_EQ(who_goes({{"10.0.0.1", 5}, {"10.0.0.2", 1}, {"10.0.0.1", 3}}), 2u);
  EXPECT_EQ(who_goes({{"10.0.0.1", 5}, {"10.0.0.2", 1}}), 1u);
}

TEST(Strangers, AreFewWhereFewFilesMayBeOpen) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit small = {.rlim_cur = 256, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &small);
  EXPECT_EQ(room_for_strangers(10, 256), 75u);
  EXPECT_EQ(room_for_strangers(10'000, 256), 8u);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(Hostile, RandomBytesAreSurvived) {
  std::minstd_rand random(7);
  for (int round = 0; round < 200; ++round) {
    const Socket socket = knock();
    std::string bytes(random() % 300, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    if (round % 2 == 0) bytes = "hello " + listener.endpoint().token + " " + bytes + "\n";
    send_line(socket, bytes);
  }
  expect_service();
}

}  // namespace
}  // namespace pst::heartbeat
