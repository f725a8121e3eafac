// SPDX-License-Identifier: Apache-2.0
#include "cluster/process_mark.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

std::string first_line(const std::string& path) {
  std::string line;
  std::ifstream in(path);
  std::getline(in, line);
  return line;
}

/// Field 22 of /proc/<pid>/stat; nothing for a process that has ended and waits for its parent (state Z or X).
/// The name in field 2 may hold blanks and brackets, so count from the last bracket on.
std::optional<std::int64_t> start_ticks(long pid) {
  const std::string stat = first_line(cat("/proc/", pid, "/stat"));
  const auto end_of_name = stat.rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(end_of_name + 1));
  std::string field;
  fields >> field;
  if (field == "Z" || field == "X") return std::nullopt;
  for (int i = 4; i <= 22; ++i) fields >> field;
  return to_int(field);
}

/// A process held by a descriptor keeps its identity even when it ends and its number is used again.
class HeldProcess {
 public:
  explicit HeldProcess(long pid) : descriptor_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  ~HeldProcess() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  HeldProcess(const HeldProcess&) = delete;
  HeldProcess& operator=(const HeldProcess&) = delete;
  bool held() const { return descriptor_ >= 0; }
  bool signal(int number) const { return ::syscall(SYS_pidfd_send_signal, descriptor_, number, nullptr, 0) == 0; }

 private:
  int descriptor_;
};

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::optional<rundir::ProcessMark> mark_of(long pid) {
  const auto ticks = start_ticks(pid);
  if (!ticks) return std::nullopt;
  return rundir::ProcessMark{
      .host = host_name(), .boot_id = first_line("/proc/sys/kernel/random/boot_id"), .pid = pid, .start_ticks = *ticks};
}

rundir::ProcessMark own_mark() { return mark_of(::getpid()).value(); }

Life life_of(const rundir::ProcessMark& mark) {
  if (mark.host != host_name()) return Life::unknown;
  const auto now = mark_of(mark.pid);
  return now && now->boot_id == mark.boot_id && now->start_ticks == mark.start_ticks ? Life::alive : Life::gone;
}

bool signal_process(const rundir::ProcessMark& mark, int signal) {
  const HeldProcess process(mark.pid);  // first hold, then look: what was looked at is what gets the signal
  const Life life = life_of(mark);
  if (life == Life::unknown)
    throw Error(Fault::usage, cat("the run's process ", mark.pid, " is on ", mark.host, ", not on ", host_name()),
                cat("run this on ", mark.host));
  if (life == Life::gone || !process.held()) return false;
  if (process.signal(signal)) return true;
  if (errno == ESRCH) return false;
  throw Error(Fault::usage, cat("cannot signal process ", mark.pid, ": ", std::strerror(errno)),
              "ask the user who started the run");
}

}  // namespace pst::cluster
