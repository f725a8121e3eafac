// SPDX-License-Identifier: Apache-2.0
#include "cluster/capture.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "cluster/program_path.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

constexpr useconds_t kWait_us = 1000;

struct Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
      throw Error(Fault::unfit, cat("cannot make a pipe: ", std::strerror(errno)),
                  "too many open files or no memory: `ulimit -n`, `free -m`");
  }
  ~Pipe() {
    close(0);
    close(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close(std::size_t end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
  std::array<int, 2> ends = {-1, -1};
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> kept;
  for (auto& entry : environment_for(command.argv.at(0)))
    if (!command.variables.count(entry.substr(0, entry.find('=')))) kept.push_back(std::move(entry));
  for (const auto& [name, value] : command.variables) kept.push_back(name + "=" + value);
  return kept;
}

/// Open at its beginning; without a name, and gone when closed.
int file_in_memory(const std::string& content) {
  const int descriptor = ::memfd_create("input", MFD_CLOEXEC);
  if (descriptor < 0 || ::write(descriptor, content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
      ::lseek(descriptor, 0, SEEK_SET) != 0)
    throw Error(Fault::unfit, cat("cannot make a file in memory: ", std::strerror(errno)),
                "too many open files or no memory: `ulimit -n`, `free -m`");
  return descriptor;
}

/// In a process group of its own, so that a timeout ends its children too and a Ctrl-C on the terminal is ours alone.
pid_t spawn(const Command& command, const Pipe& out, const Pipe& err) {
  const std::string program = require_program(command.argv.at(0), command.remedy_when_missing).string();
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  const int input = command.input.empty() ? -1 : file_in_memory(command.input);
  if (input >= 0)
    ::posix_spawn_file_actions_adddup2(&files, input, 0);
  else
    ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, out.ends[1], 1);
  ::posix_spawn_file_actions_adddup2(&files, err.ends[1], 2);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  std::vector<std::string> argv = command.argv;
  std::vector<std::string> environment = environment_of(command);
  pid_t child = -1;
  const int error =
      ::posix_spawn(&child, program.c_str(), &files, &attributes, pointers(argv).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&files);
  if (input >= 0) ::close(input);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0)
    throw Error(Fault::unfit, cat("cannot start ", program, ": ", std::strerror(error)),
                "is it executable, and are processes left (`ulimit -u`)?");
  return child;
}

/// Reads what is there. @return false at the end of the stream
bool drain(int descriptor, std::string& into, std::size_t limit) {
  std::array<char, 65536> buffer;
  const auto got = ::read(descriptor, buffer.data(), buffer.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  into.append(buffer.data(), std::min(static_cast<std::size_t>(got), limit - std::min(limit, into.size())));
  return got > 0;
}

}  // namespace

std::string Captured::words() const {
  std::string_view text = trim(err);
  if (text.empty()) text = trim(out);
  std::string shown;
  for (const char c : text.substr(0, 600)) shown += (c >= 0x20 && c < 0x7f) || c == '\n' ? c : '?';
  return shown.empty() ? "no message" : text.size() > 600 ? shown + " ..." : shown;
}

Captured capture(const Command& command) {
  Pipe out, err;
  const pid_t child = spawn(command, out, err);
  out.close(1);
  err.close(1);

  Captured result;
  const double deadline = monotonic_seconds() + command.timeout_s;
  bool late = false;
  while (!late && (out.ends[0] >= 0 || err.ends[0] >= 0)) {
    std::array<pollfd, 2> streams = {pollfd{out.ends[0], POLLIN, 0}, pollfd{err.ends[0], POLLIN, 0}};
    const double left = deadline - monotonic_seconds();
    late = left <= 0;
    ::poll(streams.data(), streams.size(), late ? 0 : static_cast<int>(std::min(left, 60.0) * 1000) + 1);
    if (streams[0].revents && !drain(out.ends[0], result.out, command.max_output)) out.close(0);
    if (streams[1].revents && !drain(err.ends[0], result.err, command.max_output)) err.close(0);
  }
  int status = 0;
  // One that has closed its streams may go on for ever: it has no longer than one that has not.
  for (pid_t ended = 0; !late && ended == 0;) {
    ended = ::waitpid(child, &status, WNOHANG);
    if (ended < 0 && errno == EINTR) ended = 0;
    late = ended == 0 && monotonic_seconds() >= deadline;
    if (ended == 0 && !late) ::usleep(kWait_us);
  }
  if (late) {
    ::kill(-child, SIGKILL);
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (late)
    throw Error(Fault::transient, cat(command.argv[0], " gave no answer within ", fixed(command.timeout_s, 0), " s"),
                "try again; if it is one of Slurm's commands, its controller may be down or busy: scontrol ping");
  result.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

}  // namespace pst::cluster
