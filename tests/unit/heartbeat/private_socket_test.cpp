// SPDX-License-Identifier: Apache-2.0
#include "heartbeat/private_socket.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "core/clock.hpp"
#include "heartbeat/listener.hpp"
#include "heartbeat/sender.hpp"
#include "support/strangers.hpp"
#include "support/temporary_directory.hpp"

namespace pst::heartbeat {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

bool is_heard(const Listener& listener) {
  const Sender sender({.endpoint = listener.endpoint(), .attempt = 1, .rank = 0, .host = "n1", .beat_s = 0.02});
  for (const double deadline = monotonic_seconds() + 5; monotonic_seconds() < deadline;) {
    if (listener.ranks()[0].connected) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

void expect_private(const fs::path& folder) {
  Listener listener(Reach::this_user, "here", folder);
  listener.begin(1, 1);
  EXPECT_THAT(listener.endpoint().addresses, ElementsAre((folder / "socket").string()));
  EXPECT_EQ(listener.endpoint().port, 0);
  EXPECT_TRUE(is_heard(listener));
}

void expect_port(const fs::path& folder) {
  Listener listener(Reach::this_user, "here", folder);
  listener.begin(1, 1);
  EXPECT_THAT(listener.endpoint().addresses, ElementsAre("127.0.0.1"));
  EXPECT_TRUE(is_heard(listener));
}

TEST(PrivateSocket, ARankIsHeardThereAndNothingStays) {
  const fixture::TemporaryDirectory dir;
  expect_private(dir / "heartbeat");
  EXPECT_FALSE(fs::exists(dir / "heartbeat"));
}

TEST(PrivateSocket, PathsLongerThanASocketsAddressServe) {
  const fixture::TemporaryDirectory dir;
  const fs::path deep = dir / std::string(120, 'a') / std::string(120, 'b');
  fs::create_directories(deep);
  expect_private(deep / "heartbeat");
}

TEST(PrivateSocket, WhatAKilledSupervisorLeftGoes) {
  const fixture::TemporaryDirectory dir;
  const std::string address = (dir / "heartbeat/socket").string();
  const pid_t killed = ::fork();
  if (killed == 0) {
    const auto left = PrivateSocket::listen_in(dir / "heartbeat");
    ::_exit(left ? 0 : 1);
  }
  ::waitpid(killed, nullptr, 0);
  ASSERT_TRUE(fs::exists(address));
  EXPECT_FALSE(connect_to_private(address)) << "nobody listens there";
  expect_private(dir / "heartbeat");
}

TEST(PrivateSocket, AFolderThatIsNotPrivateIsNotUsed) {
  const fixture::TemporaryDirectory dir;
  fs::create_directory(dir / "open");
  fixture::set_mode(dir / "open", 0750);
  expect_port(dir / "open");
  fs::create_directory(dir / "theirs");
  fixture::set_mode(dir / "theirs", 0700);
  fs::create_symlink(dir / "theirs", dir / "link");
  expect_port(dir / "link");
  expect_port(dir / "no such folder" / "heartbeat");
}

/// connect(2) and bind(2) by the path itself, as any program of another user would.
int error_of_call(int (*call)(int, const sockaddr*, socklen_t), const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return call(socket.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

TEST(PrivateSocket, AnotherUserNeitherConnectsNorTakesItsPlace) {
  SKIP_UNLESS_ROOT();
  const fixture::TemporaryDirectory dir;
  fixture::set_mode(dir.path(), 0755);
  fs::create_directory(dir / "run");
  fixture::set_mode(dir / "run", 0775);  // a project's folder: the group may even write here
  fixture::give(dir / "run", fixture::kVictim);
  const fs::path folder = dir / "run/heartbeat";
  const std::string address = (folder / "socket").string();
  int ready[2], over[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(over), 0);

  const pid_t supervisor = ::fork();
  if (supervisor == 0) {
    ::close(over[1]);
    ::_exit(fixture::as_user(fixture::kVictim, [&] {
      Listener listener(Reach::this_user, "here", folder);
      listener.begin(1, 1);
      char byte = 0;
      if (::write(ready[1], "!", 1) != 1 || ::read(over[0], &byte, 1) != 0) return 2;
      return listener.endpoint().addresses.front() == address && is_heard(listener) ? 0 : 1;
    }));
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(fixture::as_user(fixture::kStranger, [&] { return error_of_call(::connect, address); }), EACCES);
  EXPECT_EQ(fixture::as_user(fixture::kStranger, [&] { return error_of_call(::bind, address); }), EACCES);
  EXPECT_EQ(fixture::as_user(fixture::kStranger, [&] { return ::unlink(address.c_str()) == 0 ? 0 : errno; }), EACCES);
  EXPECT_EQ(fixture::as_user(fixture::kStranger, [&] { return connect_to_private(address) ? 0 : 1; }), 1);
  for (const int end : {over[0], over[1]}) ::close(end);
  int status = 0;
  ::waitpid(supervisor, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the supervisor's own rank is heard all the same";

  // A folder of that name that another user made first: a rank sends its token to nobody there, nor does a supervisor
  // listen in it.
  const fs::path trap = dir / "run/trap";
  ASSERT_EQ(fixture::as_user(fixture::kStranger, [&] { return ::mkdir(trap.c_str(), 0700); }), 0);
  EXPECT_EQ(fixture::as_user(fixture::kVictim, [&] { return PrivateSocket::listen_in(trap) ? 0 : 1; }), 1);
  EXPECT_FALSE(PrivateSocket::listen_in(trap)) << "root could enter it, and does not";
}

}  // namespace
}  // namespace pst::heartbeat
