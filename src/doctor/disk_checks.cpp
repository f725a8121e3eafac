// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "core/strings.hpp"
#include "doctor/machine_facts.hpp"

namespace pst::doctor {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

std::string because(const char* what) { return cat(what, ": ", std::strerror(errno)); }

/// @return what went wrong, or nothing
std::string write_file(const std::string& file, double& seconds) {
  constexpr std::size_t kBlock = 1 << 20, kBlocks = 16;
  std::vector<char> block(kBlock);
  std::uint64_t state = 0x9e3779b97f4a7c15;  // a file of zeros may be stored without being written
  for (char& c : block) c = static_cast<char>((state = state * 6364136223846793005u + 1442695040888963407u) >> 56);
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return because("cannot create a file");
  std::string failure;
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < kBlocks && failure.empty(); ++i)
    for (std::size_t done = 0; done < kBlock && failure.empty();) {
      const ssize_t count = ::write(fd, block.data() + done, kBlock - done);
      if (count < 0 && errno != EINTR) failure = because("cannot write");
      if (count > 0) done += static_cast<std::size_t>(count);
    }
  if (failure.empty() && ::fsync(fd) != 0) failure = because("cannot fsync");
  seconds = seconds_since(begin);
  if (::close(fd) != 0 && failure.empty()) failure = because("cannot close");
  return failure;
}

std::string rename_file(const std::filesystem::path& folder, const std::string& from, const std::string& to,
                        double& seconds) {
  const auto begin = Clock::now();
  if (::rename(from.c_str(), to.c_str()) != 0) return because("cannot rename");
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return because("cannot open the folder");
  const bool synced = ::fsync(fd) == 0 || errno == EINVAL;  // some file systems fsync no folders
  const std::string failure = synced ? "" : because("cannot fsync the folder");
  ::close(fd);
  seconds = seconds_since(begin);
  return failure;
}

}  // namespace

Disk probe_disk(const std::filesystem::path& folder) {
  Disk disk{.folder = folder.string()};
  struct statvfs space {};
  if (::statvfs(folder.c_str(), &space) != 0) {
    disk.failure = std::strerror(errno);
    return disk;
  }
  disk.free_bytes = std::uint64_t{space.f_bavail} * space.f_frsize;
  disk.total_bytes = std::uint64_t{space.f_blocks} * space.f_frsize;
  std::string host(256, '\0');
  ::gethostname(host.data(), host.size() - 1);
  const std::string base = (folder / cat(".peft-studio-probe-", host.c_str(), "-", ::getpid())).string();
  double write_s = 0, rename_s = 0;
  disk.failure = write_file(base, write_s);
  if (disk.failure.empty()) disk.failure = rename_file(folder, base, base + ".whole", rename_s);
  ::unlink(base.c_str());
  ::unlink((base + ".whole").c_str());
  if (write_s > 0 && disk.failure.empty()) disk.write_mb_s = 16 * 1.048576 / write_s;
  disk.rename_ms = 1000 * rename_s;
  return disk;
}

}  // namespace pst::doctor
