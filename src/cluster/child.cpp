// SPDX-License-Identifier: Apache-2.0
#include "cluster/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>

#include "cluster/program_path.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_with(const ChildSettings& settings) {
  std::vector<std::string> all = environment_for(settings.argv.at(0));
  const auto is_there = [&](const std::string& name) {
    return std::any_of(all.begin(), all.end(), [&](const auto& entry) { return entry.starts_with(name + "="); });
  };
  for (const auto& [name, value] : settings.environment)
    if (!is_there(name)) all.push_back(name + "=" + value);
  return all;
}

/// The programs of all Child objects: what dies with one of them is its own descendants, not another one's program.
std::set<pid_t>& programs() {
  static std::set<pid_t> pids;
  return pids;
}

/// Our children, found by their parent's number: those whose own parent died come to us (PR_SET_CHILD_SUBREAPER).
std::vector<pid_t> children_of_ours() {
  std::vector<pid_t> found;
  std::error_code status;
  for (std::filesystem::directory_iterator at("/proc", status), end; !status && at != end; at.increment(status)) {
    const auto pid = to_int(at->path().filename().string());
    if (!pid) continue;
    std::string stat;
    std::ifstream in(at->path() / "stat");
    std::getline(in, stat);
    const auto end_of_name = stat.rfind(')');
    if (end_of_name == std::string::npos) continue;
    const auto fields = split(stat.substr(end_of_name + 1), ' ');  // "", state, parent
    if (fields.size() > 2 && to_int(fields[2]) == ::getpid() && !programs().count(static_cast<pid_t>(*pid)))
      found.push_back(static_cast<pid_t>(*pid));
  }
  return found;
}

/// Open MPI gives each rank a process group of its own, so the launcher's group alone does not reach them.
void kill_descendants() {
  const double deadline = monotonic_seconds() + 5;
  while (monotonic_seconds() < deadline) {
    const auto children = children_of_ours();
    if (children.empty()) return;
    for (const pid_t child : children) ::kill(child, SIGKILL);
    for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  }
}

/// Between fork and exec: system calls only, since the parent's locks are copied as they were.
/// @param output  descriptor for both streams; negative: the parent's
[[noreturn]] void become(const char* program, char* const* argv, char* const* environment, int output, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(0);  // it died in between
  sigset_t none;
  ::sigemptyset(&none);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR2, SIGCHLD, SIGPIPE}) ::signal(number, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int input = ::open("/dev/null", O_RDONLY);
  if (input < 0 || ::dup2(input, 0) < 0) ::_exit(127);
  if (output >= 0 && (::dup2(output, 1) < 0 || ::dup2(output, 2) < 0)) ::_exit(127);
  if (input > 2) ::close(input);
  ::execve(program, argv, environment);
  ::_exit(127);
}

}  // namespace

Child::Child(const ChildSettings& settings) {
  const std::string program = require_program(settings.argv.at(0), settings.remedy_when_missing).string();
  const bool own_output = !settings.output.empty();
  // O_NONBLOCK: a named pipe that somebody put there is an error, and not a wait for its reader.
  const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  const int output = own_output ? ::open(settings.output.c_str(), flags, 0666) : -1;
  if (own_output && output < 0)
    throw Error(Fault::io, cat("cannot write ", settings.output.string(), ": ", std::strerror(errno)),
                "check the folder's owner, and `df` for room");
  std::vector<std::string> argv = settings.argv, environment = environment_with(settings);
  const auto argv_pointers = pointers(argv), environment_pointers = pointers(environment);

  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t parent = ::getpid();
  pid_ = ::fork();  // not posix_spawn: that cannot ask for a signal at the parent's death
  if (pid_ == 0) become(program.c_str(), argv_pointers.data(), environment_pointers.data(), output, parent);
  const int error = errno;
  if (own_output) ::close(output);
  if (pid_ < 0)
    throw Error(Fault::unfit, cat("cannot start ", program, ": ", std::strerror(error)),
                "is it executable, and are processes left (`ulimit -u`)?");
  programs().insert(pid_);
  ::setpgid(pid_, pid_);  // also here, so that it is done before anybody signals the group
}

Child::~Child() {
  if (!poll()) {
    signal_group(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  programs().erase(pid_);
  kill_descendants();
}

std::optional<int> Child::poll() {
  if (status_) return status_;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return status_;
}

void Child::signal(int number) const {
  if (!status_) ::kill(pid_, number);
}

void Child::signal_group(int number) const {
  if (!status_) ::kill(-pid_, number);
}

}  // namespace pst::cluster
