// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

/// Other users, for tests that run as root: SKIP_UNLESS_ROOT() in front.
namespace pst::fixture {

inline constexpr uid_t kStranger = 4242, kVictim = 4343;  // without an entry in the machine's list of users
inline constexpr gid_t kProject = 5000;                   // a group of both

#define SKIP_UNLESS_ROOT() \
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make another user's files"

inline void give(const std::filesystem::path& path, uid_t uid, gid_t gid = kProject) {
  if (::lchown(path.c_str(), uid, gid) != 0) throw std::runtime_error("chown " + path.string());
}

/// Gives a folder with all that is in it.
inline void give_all(const std::filesystem::path& folder, uid_t uid, gid_t gid = kProject) {
  give(folder, uid, gid);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) give(entry.path(), uid, gid);
}

inline void set_mode(const std::filesystem::path& path, unsigned mode) {
  std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
}

/// Runs `body` in a process of that user. @return what it returned: 0 to 125
template <class Body>
int as_user(uid_t uid, Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(kProject) != 0 || ::setuid(uid) != 0) ::_exit(126);
    int status = 127;
    try {
      status = body();
    } catch (...) {
    }
    ::_exit(status);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace pst::fixture
