// SPDX-License-Identifier: Apache-2.0
#include "monitor/scrape_endpoint.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <limits>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::monitor {
namespace {

using testing::HasSubstr;

std::vector<Family> loss(double value, Labels labels = {}) {
  return {{telemetry::find_live_metric("loss"), {{std::move(labels), value}}}};
}

int connected_to(int port) {
  const int to = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  EXPECT_EQ(::connect(to, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return to;
}

/// What comes until the other side closes.
std::string answer_over(int to, const std::string& request) {
  std::string answer;
  if (::send(to, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char buffer[4096];
    for (ssize_t got; (got = ::read(to, buffer, sizeof buffer)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(to);
  return answer;
}

std::string answer_to(int port, const std::string& request) { return answer_over(connected_to(port), request); }

/// What a browser would get.
std::string get(int port, const std::string& path) { return answer_to(port, cat("GET ", path, " HTTP/1.0\r\n\r\n")); }

TEST(Exposition, HasHelpTypeAndEscapedLabels) {
  const std::string text = exposition(loss(0.25, {{"node", "a\"b\\c\nd 1.0\nevil 2"}}), "x-7f3a");

  EXPECT_THAT(text, HasSubstr("# HELP peft_studio_loss Training loss of the last step, in nats per labelled token.\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE peft_studio_loss gauge\n"));
  EXPECT_THAT(text, HasSubstr("peft_studio_loss{run=\"x-7f3a\",node=\"a\\\"b\\\\c\\nd 1.0\\nevil 2\"} 0.25\n"));
  EXPECT_EQ(split(text, '\n').size(), 4u) << "no label begins a line of its own: " << text;
}

TEST(Exposition, WritesWhatIsNoNumberAsPrometheusDoes) {
  EXPECT_THAT(exposition(loss(std::numeric_limits<double>::quiet_NaN()), "x"), HasSubstr("} Nan\n"));
  EXPECT_THAT(exposition(loss(std::numeric_limits<double>::infinity()), "x"), HasSubstr("} +Inf\n"));
}

TEST(Endpoint, AnswersWithWhatWasPublishedLast) {
  Endpoint endpoint("127.0.0.1", 0);

  endpoint.publish(loss(3), "x");
  endpoint.publish(loss(2), "x");

  ASSERT_GT(endpoint.port(), 0);
  EXPECT_THAT(get(endpoint.port(), "/metrics"), HasSubstr("peft_studio_loss{run=\"x\"} 2\n"));
  EXPECT_THAT(get(endpoint.port(), "/../etc/passwd"), HasSubstr("404"));
}

TEST(Endpoint, AnswersOnlyReadsOfItsPage) {
  Endpoint endpoint("127.0.0.1", 0);
  endpoint.publish(loss(2), "x");

  EXPECT_THAT(get(endpoint.port(), "/metrics?x=y"), HasSubstr("200 OK"));
  EXPECT_THAT(get(endpoint.port(), "/metrics/"), HasSubstr("404"));
  EXPECT_THAT(answer_to(endpoint.port(), "POST /metrics HTTP/1.1\r\n\r\n"), HasSubstr("405"));
  EXPECT_THAT(answer_to(endpoint.port(), "nonsense\r\n\r\n"), HasSubstr("400"));
  EXPECT_THAT(answer_to(endpoint.port(), "HEAD /metrics HTTP/1.1\r\n\r\n"),
              testing::AllOf(HasSubstr("200 OK"), testing::Not(HasSubstr("peft_studio_loss{"))));
  EXPECT_EQ(answer_to(endpoint.port(), std::string(100'000, 'x')), "");
}

TEST(Endpoint, HalfRequestsAndSilentConnectionsKeepNobodyOut) {
  Endpoint endpoint("127.0.0.1", 0);
  endpoint.publish(loss(2), "x");
  std::vector<int> silent;
  for (int i = 0; i < 300; ++i) {
    silent.push_back(connected_to(endpoint.port()));
    if (i % 2 == 0) {
      EXPECT_EQ(::write(silent.back(), "GET /metr", 9), 9);
    }
  }

  const double began = monotonic_seconds();
  EXPECT_THAT(get(endpoint.port(), "/metrics"), HasSubstr("peft_studio_loss{run=\"x\"} 2\n"));
  EXPECT_LT(monotonic_seconds() - began, 1);

  char byte;
  EXPECT_EQ(::read(silent.back(), &byte, 1), 0) << "a request that does not come is not waited for";
  EXPECT_LT(monotonic_seconds() - began, 5);
  for (const int one : silent) ::close(one);
}

TEST(Endpoint, OfTooManyConnectionsTheOldestGoes) {
  Endpoint endpoint("127.0.0.1", 0);
  endpoint.publish(loss(2), "x");
  std::vector<int> silent;
  for (int i = 0; i < 200; ++i) silent.push_back(connected_to(endpoint.port()));

  char byte;
  EXPECT_EQ(::read(silent.front(), &byte, 1), 0);
  EXPECT_THAT(answer_over(silent.back(), "GET /metrics HTTP/1.0\r\n\r\n"), HasSubstr("200 OK"))
      << "whoever came last is still there when it says what it wants";

  silent.pop_back();
  for (const int one : silent) ::close(one);
}

TEST(Endpoint, APortThatIsTakenIsAClearError) {
  const Endpoint first("127.0.0.1", 0);

  try {
    const Endpoint second("127.0.0.1", first.port());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unfit) << error.what();
    EXPECT_THAT(error.message(), HasSubstr(cat("cannot listen at 127.0.0.1:", first.port())));
    EXPECT_THAT(error.remedy(), HasSubstr("prometheus_port: 0"));
  }
}

}  // namespace
}  // namespace pst::monitor
