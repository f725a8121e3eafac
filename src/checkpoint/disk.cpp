// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "core/trace.hpp"

namespace pst::checkpoint {
namespace {

constexpr std::size_t kBlock = 1 << 20;  // digested, then written, while the second-level cache still has it

[[noreturn]] void fail(const char* what, const fs::path& path, int error, std::uint64_t needed = 0) {
  std::string remedy = "training goes on with the checkpoints there are; look at the disk";
  if (error == ENOSPC || error == EDQUOT)
    remedy =
        cat("free ", human_bytes(needed), " there: ", needed, " bytes are needed, ", free_bytes(path), " are free");
  else if (error == EACCES || error == EPERM || error == EROFS)
    remedy = "check whether the folder may be written, or choose another output_dir";
  throw Error(Fault::io, cat("cannot ", what, " ", path.string(), ": ", std::strerror(error)), remedy);
}

class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags, const char* what, std::uint64_t needed)
      : value_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0666)) {
    if (value_ < 0) fail(what, path, errno, needed);
  }
  ~Descriptor() { ::close(value_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator int() const { return value_; }

 private:
  int value_;
};

void write_all(int file, std::span<const std::byte> bytes, const fs::path& path, std::uint64_t needed) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", path, errno, needed);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void compare(int file, std::span<const std::byte> bytes, const fs::path& path) {
  ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  ::posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);
  std::vector<std::byte> block(std::min(bytes.size(), kBlock));
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t got = ::pread(file, block.data(), std::min(block.size(), bytes.size() - at), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read back", path, errno);
    if (got == 0 || std::memcmp(block.data(), bytes.data() + at, static_cast<std::size_t>(got)) != 0)
      throw Error(Fault::io, cat(path.string(), " does not hold what was written to it, from byte ", at, " on"),
                  "the disk or its connection loses data: use another one");
    at += static_cast<std::size_t>(got);
  }
}

}  // namespace

const char* name_of(Step step) {
  switch (step) {
    case Step::make_folder: return "make the folder";
    case Step::create_file: return "create";
    case Step::reserve_space: return "reserve space for";
    case Step::write_file: return "write";
    case Step::sync_file: return "sync";
    case Step::read_back: return "read back";
    case Step::write_receipt: return "write the receipt";
    case Step::check_ranks: return "look at the ranks' files in";
    case Step::write_state: return "write the state.h5 of";
    case Step::write_manifest: return "write the manifest of";
    case Step::sync_folder: return "sync the folder";
    case Step::fence: return "confirm the lease for";
    case Step::rename: return "rename";
    case Step::sync_parent: return "sync the parent of";
    case Step::prune: return "remove older checkpoints in";
  }
  return "use";
}

void Disk::enter(Step step, const fs::path& path, std::uint64_t needed) const {
  if (const int error = sabotage_ ? sabotage_(step) : 0)
    fail(name_of(step), path, error, needed > 0 ? needed : needed_);
}

void Disk::make_folder(const fs::path& path) const {
  enter(Step::make_folder, path);
  for (const auto& folder : {path.parent_path(), path})
    if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) fail("make the folder", folder, errno, needed_);
}

Disk::Written Disk::write_file(const fs::path& path, std::span<const std::byte> bytes, Step write) const {
  enter(Step::create_file, path, bytes.size());
  const Descriptor file(path, O_RDWR | O_CREAT | O_TRUNC, "create", bytes.size());
  // Asked for at once, a full disk says so before anything is written, and the file lies in one piece.
  enter(Step::reserve_space, path, bytes.size());
  if (::fallocate(file, 0, 0, static_cast<off_t>(bytes.size())) != 0 && errno != EOPNOTSUPP && errno != ENOSYS)
    fail("reserve space for", path, errno, bytes.size());

  enter(write, path, bytes.size());
  Digester digester;
  std::optional<trace::Scope> span;
  const auto now = [&](const char* name) {
    span.emplace(
        trace::Label{.kind = trace::Kind::disk, .name = name, .bytes = static_cast<std::int64_t>(bytes.size())});
  };
  now("write");
  for (std::size_t at = 0; at < bytes.size(); at += kBlock) {
    const auto block = bytes.subspan(at, std::min(kBlock, bytes.size() - at));
    digester.add(block);
    write_all(file, block, path, bytes.size());
    // Lets the disk begin now; else it is idle until fsync.
    ::sync_file_range(file, static_cast<off_t>(at), static_cast<off_t>(block.size()), SYNC_FILE_RANGE_WRITE);
  }
  span.reset();
  now("fsync");
  enter(Step::sync_file, path, bytes.size());
  if (::fsync(file) != 0) fail("sync", path, errno, bytes.size());
  span.reset();
  now("read back");
  enter(Step::read_back, path);
  const double begin_s = monotonic_seconds();
  compare(file, bytes, path);
  return {digester.hex(), monotonic_seconds() - begin_s};
}

void Disk::sync_folder(const fs::path& path, Step step) const {
  enter(step, path);
  const Descriptor folder(path, O_RDONLY | O_DIRECTORY, "open the folder", needed_);
  if (::fsync(folder) != 0 && errno != EINVAL && errno != ENOTSUP) fail("sync the folder", path, errno, needed_);
}

void Disk::rename(const fs::path& from, const fs::path& to) const {
  enter(Step::rename, to);
  if (::rename(from.c_str(), to.c_str()) != 0) fail("rename", cat(from.string(), " to ", to.string()), errno, needed_);
}

void Disk::put_message(const fs::path& path, std::string_view text, Step step) const {
  enter(step, path, text.size());
  const fs::path whole = path.string() + ".new";
  {
    const Descriptor file(whole, O_WRONLY | O_CREAT | O_TRUNC, name_of(step), text.size());
    write_all(file, std::as_bytes(std::span(text)), whole, text.size());
  }
  if (::rename(whole.c_str(), path.c_str()) != 0) fail(name_of(step), path, errno, text.size());
}

bool Disk::exchange(const fs::path& one, const fs::path& other) const {
  enter(Step::rename, other);
  if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0) return true;
  if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) return false;
  fail("exchange", cat(one.string(), " and ", other.string()), errno, needed_);
}

void remove_folder(const fs::path& path) {
  static std::atomic<unsigned> counter{0};  // the process and the time: other hosts may share the folder
  const fs::path trash = path.parent_path() / cat(".trash-", path.filename().string(), "-", ::getpid(), "-", counter++,
                                                  "-", static_cast<std::int64_t>(unix_seconds() * 1e6));
  if (::rename(path.c_str(), trash.c_str()) != 0) {
    if (errno == ENOENT) return;
    fail("remove", path, errno);
  }
  std::error_code status;
  fs::remove_all(trash, status);
  if (status) fail("remove", trash, status.value());
}

}  // namespace pst::checkpoint
